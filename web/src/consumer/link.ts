// What the consumer's page asks of the server. The secret stands behind the # of the address and
// travels only in a header.

import { ApiError } from "../lib/api";

export interface Deadline {
  kind: "first" | "excused" | "agreed";
  due_at: string | null;
  outcome: "open" | "kept" | "attempted" | "missed" | "cancelled";
}

export interface QuoteLine {
  code: string;
  kind: string;
  name: string;
  quantity: number;
  unit_fen: number;
  price_fen: number;
  charged_fen: number;
  free_because: string;
}

export interface Quote {
  id: string;
  number: number;
  kind: "initial" | "added";
  status: "offered" | "accepted" | "declined" | "superseded";
  total_fen: number;
  currency: string;
  sha256: string;
  expires_at: string;
  document: {
    lines: QuoteLine[];
    texts: Record<string, { version: number; body: string }>;
    entitlement: { remedies: string[]; why: string[]; unconfirmed: string[] };
  };
}

export interface Complaint {
  id: string;
  number: number;
  topic: string;
  text: string;
  state: string;
  received_at: string;
  clocks: { name: string; running: boolean; deadlines: Deadline[] }[];
}

export interface Option {
  provider_name: string;
  mode: string;
  start: string;
  end: string;
  price_fen: number;
  distance_m: number;
  keeps_deadline: boolean;
}

export interface Choice {
  id: string;
  shown: { currency: string; options: Option[]; ranking: { body: string } };
}

export interface Case {
  job_id: string;
  number: number;
  status: string;
  class: string;
  product: string;
  fault: string;
  reported_at: string;
  timezone: string;
  windows: [string, string][];
  deadlines: Deadline[];
  rule: { text: string; status: string }[];
  arrival: {
    state: string;
    technician: string;
    planned_at: string;
    expected_at: string;
    visit_id: string;
    door_code: string | null;
    arrived_at: string | null;
    to_confirm: boolean;
  } | null;
  quotes: Quote[];
  bill: { total_fen: number; currency: string; open_fen: number } | null;
  complaints: Complaint[];
  whereabouts: { agreed: boolean; body: string; sha256: string } | null;
  survey: { answered: boolean; conduct: string[] } | null;
  expires_at: string | null;
}

export const secret = () => decodeURIComponent(location.hash.slice(1));

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      cache: "no-store",
      credentials: "omit",
      headers: {
        Authorization: `Bearer ${secret()}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "offline", "");
  }
  if (!answer.ok) {
    let problem: { code?: string; title?: string; detail?: string } = {};
    try {
      problem = await answer.json();
    } catch {
      // Something between the page and the server answered; its status is all there is.
    }
    const message = problem.detail ?? problem.title ?? `HTTP ${answer.status}`;
    throw new ApiError(answer.status, problem.code ?? "", message);
  }
  return answer;
}

const told = async <T>(method: string, path: string, body?: unknown) =>
  (await (await ask(method, path, body)).json()) as T;

/** A random UUID, also where a page is served without TLS and `crypto.randomUUID` is missing. */
export function newId(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))].map((byte, place) =>
    // Version 4, variant 1: RFC 9562.
    place === 6 ? (byte & 0x0f) | 0x40 : place === 8 ? (byte & 0x3f) | 0x80 : byte,
  );
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export const read = (language: string) => told<Case>("GET", `/link?language=${language}`);

export const decide = (job: string, quote: Quote, agreed: boolean) =>
  told("POST", `/jobs/${job}/quotes/${quote.id}/decision`, { sha256: quote.sha256, agreed });

export const whereabouts = (job: string, sha256: string, agreed: boolean) =>
  told("POST", `/jobs/${job}/whereabouts`, { sha256, agreed });

export const alternatives = (job: string, language: string) =>
  told<Choice>("POST", `/jobs/${job}/choices`, { language });

export const choose = (job: string, choice: string, option: number) =>
  told("POST", `/jobs/${job}/choices/${choice}`, { option });

export const postpone = (start: string, end: string, reason: string) =>
  told("POST", "/link/postponements", { id: newId(), start, end, reason });

export const confirmArrival = (visit: string) =>
  told("POST", "/link/arrivals", { id: newId(), visit_id: visit });

export const complain = (job: string, topic: string, text: string, wish: string) =>
  told("POST", `/jobs/${job}/complaints`, { id: newId(), topic, text, wish });

export const complaintStep = (id: string, event: string, note: string) =>
  told("POST", `/complaints/${id}/steps`, { id: newId(), event, note });

export interface Answers {
  satisfaction: number;
  recommend: number | null;
  solved: boolean;
  conduct: Record<string, boolean>;
  comment: string;
}

export const answerSurvey = (job: string, answers: Answers) =>
  told("POST", `/jobs/${job}/survey`, { id: newId(), ...answers });

export async function complaintPdf(id: string): Promise<Blob> {
  return await (await ask("GET", `/complaints/${id}/file.pdf`)).blob();
}
