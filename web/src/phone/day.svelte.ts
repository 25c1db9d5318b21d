// Who is signed in and the sheet of the day: shown at once as it was last seen, then asked for anew.

import { ApiError } from "../lib/api";
import { NEXT, stateAfter, type VisitEvent } from "./moves";
import { outbox } from "./outbox.svelte";
import { route, who, type Sheet, type Stop } from "./server";
import { forget, keep, kept, keysKept } from "./store";

export type Signed = { id: string; name: string };

interface KeptSheet {
  tag: string;
  sheet: Sheet;
  seen: string;
}

export const day = $state<{
  person: Signed | null;
  sheet: Sheet | null;
  seen: string;
  /** What the last try to fetch it came to. */
  trouble: "" | "offline" | "sign_in" | "none" | "role" | string;
  ready: boolean;
}>({ person: null, sheet: null, seen: "", trouble: "", ready: false });

let tag = "";
const sheetKey = (person: string) => `sheet.${person}`;
export const draftKey = (person: string, visit: string) => `draft.${person}.${visit}`;

/** What this phone knows without asking anybody. */
export async function remember(): Promise<void> {
  const person = await kept<Signed>("person");
  if (person) await become(person);
  day.ready = true;
}

async function become(person: Signed): Promise<void> {
  day.person = person;
  const found = await kept<KeptSheet>(sheetKey(person.id));
  tag = found?.tag ?? "";
  day.sheet = found?.sheet ?? null;
  day.seen = found?.seen ?? "";
}

/** Ask who is signed in; somebody who is not a technician has another page. */
export async function entered(): Promise<boolean> {
  const found = await who();
  if (found.technician_id === null || found.role !== "technician") {
    day.trouble = "role";
    return false;
  }
  const person = { id: found.id, name: found.name };
  await keep("person", person);
  await become(person);
  day.trouble = "";
  return true;
}

export async function refresh(): Promise<void> {
  const person = day.person;
  if (person === null) return;
  try {
    const found = await route(tag);
    if (day.person?.id !== person.id) return;
    if (found !== null) {
      tag = found.tag;
      day.sheet = found.sheet;
    }
    day.seen = new Date().toISOString();
    day.trouble = "";
    await keep(sheetKey(person.id), {
      tag,
      sheet: $state.snapshot(day.sheet),
      seen: day.seen,
    });
    if (found !== null) await dropOldDrafts(person, found.sheet);
  } catch (error) {
    if (day.person?.id !== person.id) return;
    const status = error instanceof ApiError ? error.status : -1;
    if (status === 0) day.trouble = "offline";
    else if (status === 401) day.trouble = "sign_in";
    else if (status === 404) {
      day.trouble = "none";
      day.sheet = null;
      tag = "";
    } else day.trouble = error instanceof Error ? error.message : String(error);
  }
}

async function dropOldDrafts(person: Signed, sheet: Sheet): Promise<void> {
  const here = new Set(sheet.stops.map((stop) => draftKey(person.id, stop.visit_id)));
  const old = (await keysKept()).filter(
    (key) => key.startsWith(draftKey(person.id, "")) && !here.has(key),
  );
  if (old.length > 0) await forget(old);
}

/** Leave the phone to somebody else: what shows people's data goes, what waits to be sent stays. */
export async function left(): Promise<void> {
  const person = day.person;
  // From the disk first: who sees the page empty may close it at once.
  await forget(["person", ...(person ? [sheetKey(person.id)] : [])]);
  day.person = day.sheet = null;
  day.trouble = "";
  tag = "";
}

const told = (stop: Stop) =>
  outbox.all.filter(
    (one) => one.kind === "event" && one.visit === stop.visit_id && one.status !== "refused",
  );

/** The stop as the technician left it, whether the server knows it yet or not. */
export function stateOf(stop: Stop): string {
  const events = told(stop).map((one) => (one.kind === "event" ? one.event : "accepted"));
  return stateAfter(stop.state, events);
}

export function nextOf(stop: Stop): VisitEvent[] {
  const state = stateOf(stop);
  const next = state === stop.state ? (stop.next_events as VisitEvent[]) : (NEXT[state] ?? []);
  const order: VisitEvent[] = ["accepted", "on_the_way", "arrived", "done", "no_access", "parts_needed"];
  return order.filter((event) => next.includes(event));
}

/** When the technician arrived, as the server or the queue knows it. */
export function arrivedAt(stop: Stop): string | null {
  const here = told(stop).find((one) => one.kind === "event" && one.event === "arrived");
  return stop.arrived_at ?? here?.at ?? null;
}
