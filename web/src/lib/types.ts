// The answers of /api/v1 that the day page reads. Times are ISO 8601 with an offset.

export interface Persona {
  login: string;
  password: string;
  name: string;
  role: string;
}

export interface About {
  demo: boolean;
  personas: Persona[];
  version: string;
  region: { name: string } | string;
  timezone: string;
}

export interface Place {
  lat: number;
  lon: number;
}

export type JobClass = "urgent" | "normal";

export interface Stop {
  job: string;
  visit: string | null;
  number: number | string;
  sequence: number;
  class: JobClass;
  product: string;
  fault: string;
  address: string;
  place: Place;
  arrival: string;
  start: string;
  end: string;
  due: string | null;
  state: string;
  actual_arrival: string | null;
}

export interface TechnicianDay {
  id: string;
  name: string;
  outlet: { id: string; name: string };
  color_index: number;
  shift: { start: string; end: string };
  geometry: { type: "LineString"; coordinates: [number, number][] } | null;
  stops: Stop[];
}

export interface UrgentArrival {
  job: string;
  number: number | string;
  product: string;
  fault: string;
  address: string;
  reported_at: string;
  due_at: string;
  planned_arrival: string | null;
  actual_arrival: string | null;
  state: string;
  technician: { id: string; name: string } | null;
}

export interface Unassigned {
  job: string;
  number: number | string;
  class: JobClass;
  product: string;
  due: string | null;
  reasons: { rule: string; technicians: number; detail: string }[];
  /** The fewest rules whose lifting would let it in; empty when that was not searched. */
  blocking: string[];
  /** The cheapest single change that was tried and would let it in. */
  cure: Cure | null;
}

export interface Cure {
  change: string;
  technician: { id: string; name: string };
  seconds?: number;
  window?: [string, string];
  edge?: "open" | "close";
  parts?: Record<string, number>;
  equipment?: string[];
  skill?: string;
  level?: number;
  number?: number | string | null;
}

export interface Summary {
  jobs: number;
  technicians: number;
  technicians_used: number;
  urgent_total: number;
  urgent_in_time: number;
  urgent_out_of_reach?: number;
  other_total: number;
  other_in_time: number;
  other_due_later: number;
  unassigned: number;
  driven_s: number;
}

export interface Plan {
  id: string;
  version: number;
  status: "draft" | "published" | "superseded";
  /** Every broken rule that the independent check found. */
  check: { violations: unknown[] };
  source_of_travel_times: string;
  engine: string;
  seconds: number;
}

export interface Outlet {
  id: string;
  name: string;
  place: Place;
}

export interface Day {
  date: string;
  timezone: string;
  region: { name: string; bounds: [number, number, number, number] };
  /** The plan and its figures; both null before there is one. */
  plan: Plan | null;
  summary: Summary | null;
  technicians: TechnicianDay[];
  urgent: UrgentArrival[];
  unassigned: Unassigned[];
  outlets: Outlet[];
}
