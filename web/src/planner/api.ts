// What the planner's page asks of the server, and the shapes of the answers.

import { call } from "../lib/api";

export interface Estimate {
  value: number;
  low: number;
  high: number;
  n: number;
}

export interface ClassFigures {
  arrival_hours: number;
  target: number;
  in_time: Estimate | null;
  districts: Record<string, Estimate>;
}

export interface Outcome {
  classes: Record<string, ClassFigures>;
  per_day: Record<string, Estimate>;
  outlet_utilisation: Record<string, number>;
}

export interface AnswerOutlet {
  id: string;
  name: string;
  lat: number;
  lon: number;
  status: "kept" | "new" | "closed" | "not_chosen";
  heads_before: number;
  heads_after: number;
}

export interface DemandPoint {
  id: string;
  lat: number;
  lon: number;
  district: string;
  weight: number;
  drive_before_s: number | null;
  drive_after_s: number | null;
}

export interface Answer {
  mode: string;
  before: Outcome | null;
  after: Outcome;
  outlets: AnswerOutlet[];
  posts: { outlet: string; skills: Record<string, number>; roster: string; heads: number }[];
  points: DemandPoint[];
  sites: { gap: number | null } | null;
  staffing: { out_of_reach: string[] } | null;
}

export interface Candidate {
  id: string;
  name: string;
  lat: number;
  lon: number;
}

export interface Order {
  name: string;
  demand?: {
    source?: string;
    per_day?: number;
    growth_per_year?: number;
    per_thousand_per_day?: number;
  };
  candidates?: Candidate[];
  standing?: Record<string, string>;
  siting?: { new_outlets?: number | null; open?: number | null } | null;
  staffing?: { heads?: number | null } | null;
  days?: number;
}

export interface Scenario {
  id: string;
  name: string;
  version: number;
  status: "draft" | "queued" | "running" | "succeeded" | "failed" | "cancelled";
  mode: string;
  progress: { stage?: string; share?: number; what?: string };
  error: string | null;
  facts: {
    per_day: number;
    outlets: number;
    heads: number;
    candidates: number;
    days: number;
    assumed_weekdays: string[];
  };
  summary: { in_time?: Record<string, Estimate | null>; new_outlets?: number; hired?: number };
  adopted_at: string | null;
}

/** An outlet that an adopted scenario closes, and from when. */
export interface Closing {
  id: string;
  name: string;
  closes_on: string;
  people: number;
  people_go_to: string;
}

export interface ScenarioDetail extends Scenario {
  order: Order;
  answer: Answer | null;
  adoption: { outlets: unknown[]; closings: Closing[]; posts: number; filled: number } | null;
}

export interface Outlet {
  id: string;
  name: string;
  place: { lat: number; lon: number };
}

export interface CompareRow {
  name: string;
  stage: string;
  heads: number;
  classes: Record<
    string,
    {
      arrival_hours: number;
      in_time: Estimate | null;
      difference: Estimate;
      districts: Record<string, { in_time: Estimate; difference: Estimate }>;
    }
  >;
  per_day: Record<string, Estimate>;
  difference_per_day: Record<string, Estimate>;
}

async function everything<T>(path: string): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: T[]; next: string | null } = await call("GET", `${path}?limit=200${more}`);
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

export const scenarios = () => everything<Scenario>("/scenarios");
export const outlets = () => everything<Outlet>("/outlets");
export const scenario = (id: string) => call<ScenarioDetail>("GET", `/scenarios/${id}`);
export const create = (order: Order) => call<Scenario>("POST", "/scenarios", order);
export const run = (id: string, mode: string) =>
  call<Scenario>("POST", `/scenarios/${id}/run`, { mode });
export const cancel = (id: string) => call<Scenario>("POST", `/scenarios/${id}/cancel`, {});
export const adopt = (id: string) => call<ScenarioDetail>("POST", `/scenarios/${id}/adopt`, {});
export const undo = (id: string) =>
  call<ScenarioDetail>("POST", `/scenarios/${id}/undo-adoption`, {});
export const compare = (ids: string[]) =>
  call<{ rows: CompareRow[] }>("GET", `/scenarios/compare?${ids.map((id) => `id=${id}`).join("&")}`);

const KINDS = [
  "scenario_created",
  "scenario_queued",
  "scenario_started",
  "scenario_resumed",
  "scenario_replicated",
  "scenario_succeeded",
  "scenario_failed",
  "scenario_cancelled",
  "scenario_adopted",
  "scenario_adoption_undone",
];

/** Call `changed` whenever a scenario has changed on the server, until told to stop. */
export function follow(changed: () => void): () => void {
  const source = new EventSource("/api/v1/events");
  for (const kind of KINDS) source.addEventListener(kind, changed);
  return () => source.close();
}

export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
export const between = (one: Estimate) =>
  `${percent(one.value)} (${(100 * one.low).toFixed(1)}–${(100 * one.high).toFixed(1)})`;
export const points = (one: Estimate) =>
  `${one.value >= 0 ? "+" : "−"}${Math.abs(100 * one.value).toFixed(1)} (${(100 * one.low).toFixed(1)} … ${(100 * one.high).toFixed(1)})`;
