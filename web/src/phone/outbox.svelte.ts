// The queue: everything is written to disk first and sent when there is a network. It is emptied on
// start, when the network comes back, when the page is looked at again, and by timer.

import { ApiError } from "../lib/api";
import { deviceTime, newId } from "./ids";
import type { VisitEvent } from "./moves";
import { prepare, sign } from "./keys";
import { sendEvents, sendPhoto } from "./server";
import {
  add,
  bytesOf,
  entries,
  remove,
  settle,
  type Entry,
  type QueuedEvent,
  type QueuedPhoto,
} from "./store";

const AGAIN_MS = 15_000;
const LARGEST_BATCH = 100;
/** What was sent is shown for a day. */
const SHOWN_MS = 24 * 3600_000;

export const outbox = $state<{ all: Entry[]; sending: boolean; offline: boolean; signIn: boolean }>(
  { all: [], sending: false, offline: false, signIn: false },
);

export interface Owner {
  id: string;
  name: string;
}

let owner: Owner | null = null;
let arrived: () => void = () => {};
/** Told to other tabs of this phone: they read the queue anew. */
const others = "BroadcastChannel" in window ? new BroadcastChannel("zhunda-phone") : null;

export const mine = () => outbox.all.filter((one) => one.person === owner?.id);
export const strangers = () =>
  outbox.all.filter((one) => one.person !== owner?.id && one.status === "waiting");
export const waiting = () => mine().filter((one) => one.status === "waiting");

export async function load(): Promise<void> {
  const found = await entries();
  const old = found.filter(
    (one) => one.status === "sent" && Date.now() - Date.parse(one.at) > SHOWN_MS,
  );
  if (old.length > 0) await remove(old.map((one) => one.id));
  const gone = new Set(old.map((one) => one.id));
  outbox.all = found.filter((one) => !gone.has(one.id));
}

/** From now on send what belongs to this person. `then` is called when the server took something. */
export function start(who: Owner, then: () => void): () => void {
  owner = who;
  arrived = then;
  outbox.signIn = false;
  const now = () => void flush();
  const looked = () => {
    if (document.visibilityState === "visible") void flush();
  };
  const elsewhere = () => void load();
  const timer = setInterval(now, AGAIN_MS);
  addEventListener("online", now);
  document.addEventListener("visibilitychange", looked);
  others?.addEventListener("message", elsewhere);
  void prepare(who.id);
  void load().then(flush);
  return () => {
    clearInterval(timer);
    removeEventListener("online", now);
    document.removeEventListener("visibilitychange", looked);
    others?.removeEventListener("message", elsewhere);
    owner = null;
  };
}

interface Where {
  visit: string;
  job: number;
}

async function queue(entry: Entry, bytes?: ArrayBuffer): Promise<void> {
  await add(entry, bytes);
  outbox.all = [...outbox.all, entry];
  others?.postMessage("changed");
  void flush();
}

function base(where: Where, at: Date) {
  if (owner === null) throw new Error("nobody is signed in");
  return {
    id: newId(),
    person: owner.id,
    name: owner.name,
    visit: where.visit,
    job: where.job,
    at: deviceTime(at),
    status: "waiting" as const,
    code: "",
    detail: "",
    tries: 0,
  };
}

/** The event as the server is told of it, and as it is signed. */
const bodyOf = (one: QueuedEvent) => ({
  id: one.id,
  visit_id: one.visit,
  event: one.event,
  at: one.at,
  place: one.place,
  accuracy_m: one.accuracy_m,
  details: one.details,
});

/** Resolves when the event is on this phone's disk. */
export async function report(
  where: Where,
  event: VisitEvent,
  at: Date,
  more: Partial<Pick<QueuedEvent, "place" | "accuracy_m" | "details">> = {},
): Promise<void> {
  const entry: QueuedEvent = {
    ...base(where, at),
    kind: "event",
    event,
    place: more.place ?? null,
    accuracy_m: more.accuracy_m ?? null,
    // A plain copy: what the page shows may be a proxy, which IndexedDB refuses.
    details: JSON.parse(JSON.stringify(more.details ?? {})) as Record<string, unknown>,
    signature: null,
  };
  entry.signature = await sign(entry.person, bodyOf(entry));
  await queue(entry);
}

/** Resolves with the photo's id when its bytes are on this phone's disk. */
export async function addPhoto(
  where: Where,
  photo: string,
  bytes: ArrayBuffer,
  type: string,
): Promise<string> {
  const entry: QueuedPhoto = {
    ...base(where, new Date()),
    kind: "photo",
    photo,
    type,
    size: bytes.byteLength,
  };
  await queue(entry, bytes);
  return entry.id;
}

export async function dismiss(id: string): Promise<void> {
  await remove([id]);
  await load();
  others?.postMessage("changed");
}

export async function again(id: string): Promise<void> {
  const one = outbox.all.find((entry) => entry.id === id);
  if (one) await became(one, { status: "waiting", code: "", detail: "" });
  await flush();
}

async function became(entry: Entry, change: Partial<Entry>): Promise<void> {
  const next = { ...$state.snapshot(entry), ...change } as Entry;
  await settle(next);
  outbox.all = outbox.all.map((one) => (one.id === next.id ? next : one));
}

let running: Promise<void> | null = null;
let wanted = false;

/** Send what waits. One tab at a time; asked again meanwhile, it looks once more when done. */
export function flush(): Promise<void> {
  wanted = true;
  running ??= (async () => {
    try {
      while (wanted) {
        wanted = false;
        if (navigator.locks) await navigator.locks.request("zhunda-phone-outbox", empty);
        else await empty();
      }
    } finally {
      running = null;
    }
  })();
  return running;
}

async function empty(): Promise<void> {
  if (owner === null) return;
  const person = owner.id;
  // Another tab may have sent some: the disk knows.
  await load();
  if (waiting().length === 0) return;
  outbox.sending = true;
  let progress = false;
  try {
    for (;;) {
      if (owner?.id !== person) return;
      const step = next(waiting());
      if (step === null) break;
      if (step.kind === "photo") await deliverPhoto(step);
      else await deliverEvents(step.events);
      progress = true;
    }
    outbox.offline = outbox.signIn = false;
  } catch (error) {
    // Nothing is lost: it all waits for the next try. Only tell which kind of waiting it is.
    const status = error instanceof ApiError ? error.status : -1;
    outbox.signIn = status === 401;
    outbox.offline = status === 0;
    if (status === -1) throw error;
  } finally {
    outbox.sending = false;
    if (progress) {
      others?.postMessage("changed");
      arrived();
    }
  }
}

type Step = { kind: "events"; events: QueuedEvent[] } | QueuedPhoto;

/** Events before photos, for they are small and urgent; but not before the photos they rest on. */
function next(all: Entry[]): Step | null {
  const photos = all.filter((one) => one.kind === "photo");
  const missing = new Set(photos.map((one) => one.id));
  const events: QueuedEvent[] = [];
  for (const one of all) {
    if (one.kind !== "event" || events.length === LARGEST_BATCH) continue;
    const rests = one.event === "no_access" ? named(one).find((id) => missing.has(id)) : undefined;
    if (rests !== undefined) {
      if (events.length > 0) break;
      return photos.find((photo) => photo.id === rests) ?? null;
    }
    events.push(one);
  }
  return events.length > 0 ? { kind: "events", events } : (photos[0] ?? null);
}

const named = (one: QueuedEvent) => (one.details["photos"] as string[] | undefined) ?? [];

/** Refusals that time or signing in cures; any other answer is about what was sent. */
const passing = (status: number) => [0, 401, 408, 425, 429].includes(status) || status >= 500;
/** The server has lost what had come of a photo: the next try begins anew. */
const GAP = "upload_gap";

async function deliverEvents(events: QueuedEvent[]): Promise<void> {
  const body = events.map((queued) => {
    const one = $state.snapshot(queued) as QueuedEvent;
    return { ...bodyOf(one), signature: one.signature ?? null };
  });
  let answers;
  try {
    answers = (await sendEvents(body, deviceTime())).events;
  } catch (error) {
    if (!(error instanceof ApiError) || passing(error.status)) throw error;
    // One that is malformed must not hold up the others: find it by sending them one by one.
    const [first, ...rest] = events;
    if (first && rest.length === 0) await refuse(first, error);
    else for (const one of events) await deliverEvents([one]);
    return;
  }
  const statuses = { taken: "sent", held: "held", refused: "refused" } as const;
  for (const one of events) {
    const answer = answers.find((told) => told.id === one.id);
    if (!answer) throw new ApiError(502, "", "an event was not answered");
    await became(one, {
      status: statuses[answer.status],
      code: answer.code ?? "",
      detail: answer.detail ?? "",
    });
  }
}

async function deliverPhoto(one: QueuedPhoto): Promise<void> {
  const bytes = await bytesOf(one.id);
  if (bytes === undefined) {
    await became(one, { status: "refused", code: "photo_lost" });
    return;
  }
  try {
    const query = { id: one.id, kind: one.photo, taken_at: one.at };
    await sendPhoto(one.visit, query, one.type, bytes);
    await became(one, { status: "sent" });
  } catch (error) {
    if (!(error instanceof ApiError) || passing(error.status)) throw error;
    if (error.code === GAP) throw new ApiError(0, GAP, "");
    await refuse(one, error);
  }
}

const refuse = (one: Entry, error: ApiError) =>
  became(one, { status: "refused", code: error.code, detail: error.message });
