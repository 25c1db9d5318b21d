// What the phone asks of the server, each with a limit: a network that swallows requests is common.

import { ApiError } from "../lib/api";

export interface ChecklistItem {
  id: string;
  kind: "tick" | "number" | "text";
  required: boolean;
  least: number | null;
  most: number | null;
  unit: string;
  en: string;
  zh: string;
}

export interface Stop {
  visit_id: string;
  job_id: string;
  job_number: number;
  sequence: number;
  state: string;
  next_events: string[];
  class: "urgent" | "normal";
  product: string;
  fault: string;
  description: string;
  parts: Record<string, number>;
  equipment: string[];
  crew: number;
  consumer: { name: string; phone: string };
  address: string;
  place: { lat: number; lon: number };
  travel_s: number;
  arrival: string;
  start: string;
  end: string;
  due: string;
  windows: [string, string][];
  arrived_at: string | null;
}

export interface Sheet {
  technician: { id: string; name: string };
  date: string;
  timezone: string;
  plan: { version: number };
  shifts: { start: string; end: string }[];
  checklists: Record<string, ChecklistItem[]>;
  policy: { no_access_wait_s: number; photo_largest_bytes: number };
  stops: Stop[];
}

export interface Person {
  id: string;
  name: string;
  login: string;
  role: string;
  technician_id: string | null;
}

export interface EventAnswer {
  id: string;
  status: "taken" | "held" | "refused";
  code?: string;
  detail?: string;
}

const QUICK_MS = 20_000;
const PHOTO_MS = 180_000;
/** As much of a photo as is sent at once: on a bad line, what has arrived is not sent again. */
const PIECE_BYTES = 128 * 1024;

/** Speak to the server; `ApiError` with status 0 when no answer came in time. */
export async function ask(
  method: string,
  path: string,
  options: { body?: BodyInit; type?: string; headers?: Record<string, string>; ms?: number } = {},
): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: { ...(options.type ? { "Content-Type": options.type } : {}), ...options.headers },
      body: options.body,
      signal: AbortSignal.timeout(options.ms ?? QUICK_MS),
    });
  } catch {
    throw new ApiError(0, "offline", "");
  }
  if (answer.ok || answer.status === 304) return answer;
  let problem: { code?: string; title?: string; detail?: string } = {};
  try {
    problem = await answer.json();
  } catch {
    // Something between the page and the server answered; its status is all there is.
  }
  const message = problem.detail ?? problem.title ?? `HTTP ${answer.status}`;
  throw new ApiError(answer.status, problem.code ?? "", message);
}

export async function told<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await ask(
    method,
    path,
    body === undefined ? {} : { body: JSON.stringify(body), type: "application/json" },
  );
  const text = await answer.text();
  return (text === "" ? null : JSON.parse(text)) as T;
}

export const who = () => told<Person>("GET", "/session");

/** The sheet and its tag, or null when the one with this tag still holds. */
export async function route(tag: string): Promise<{ tag: string; sheet: Sheet } | null> {
  const answer = await ask("GET", "/me/route", { headers: tag ? { "If-None-Match": tag } : {} });
  if (answer.status === 304) return null;
  return { tag: answer.headers.get("ETag") ?? "", sheet: (await answer.json()) as Sheet };
}

export const sendEvents = (events: unknown[], sent_at: string) =>
  told<{ skew_s: number; events: EventAnswer[] }>("POST", "/me/events", { sent_at, events });

/** Send a photo; a large one in pieces, going on from what the server has. */
export async function sendPhoto(
  visit: string,
  query: Record<string, string>,
  type: string,
  bytes: ArrayBuffer,
): Promise<void> {
  const send = (body: ArrayBuffer, more: Record<string, string> = {}) =>
    ask("POST", `/visits/${visit}/photos?${new URLSearchParams({ ...query, ...more })}`, {
      body,
      type,
      ms: PHOTO_MS,
    });
  const total = bytes.byteLength;
  if (total <= PIECE_BYTES) {
    await send(bytes);
    return;
  }
  const piece = (from: number, to: number) =>
    send(bytes.slice(from, to), { offset: String(from), total: String(total) });
  // An empty piece asks how many bytes have come.
  let answer = await piece(0, 0);
  while (answer.status === 202) {
    const { received } = (await answer.json()) as { received: number };
    answer = await piece(received, Math.min(total, received + PIECE_BYTES));
  }
}
