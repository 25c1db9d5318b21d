// What the page asks while the day runs: offers, commit, undo, overruns, absences.

import { call } from "./api";

export interface Person {
  id: string;
  name: string;
}

export interface Move {
  job: string;
  number: number | null;
  from: Person | null;
  to: Person | null;
  old_arrival: string | null;
  new_arrival: string | null;
}

export interface Offer {
  technician: Person;
  crew: { technician: Person; arrival: string }[];
  version: string;
  arrival: string;
  start: string;
  late_s: number;
  effect: Record<string, number>;
  moves: Move[];
  ejections: { job: string; number: number | null; from: Person; to: Person }[];
  promises: { job: string; new_spare_s: number }[];
}

export interface Offers {
  job: string;
  number: number;
  due: string;
  offers: Offer[];
}

export interface Trouble {
  moves: Move[];
  left_out: { job: string; number: number | null }[];
  applied: boolean;
  version: string;
}

export interface Caller {
  product: string;
  fault: string;
  name: string;
  phone: string;
  address: string;
  place: { lat: number; lon: number };
}

/** Roles that may promise a visit, and those that may change a day that goes wrong. */
export const MAY_TAKE_CALLS = ["dispatcher", "admin", "desk_agent"];
export const MAY_CHANGE_THE_DAY = ["dispatcher", "admin"];

export const who = () => call<{ role: string }>("GET", "/session");
export const report = (caller: Caller) =>
  call<{ id: string }>("POST", "/requests", {
    channel: "phone",
    product: caller.product,
    fault: caller.fault,
    consumer: { name: caller.name, phone: caller.phone },
    address: caller.address,
    place: caller.place,
  });
export const offersFor = (job: string) => call<Offers>("POST", `/jobs/${job}/offers`, {});
export const commit = (job: string, offer: Offer) =>
  call<{ arrival: string; version: string }>("POST", `/jobs/${job}/commit`, {
    technician_id: offer.technician.id,
    with: offer.crew.slice(1).map((seat) => seat.technician.id),
    version: offer.version,
    arrival: offer.arrival,
  });
const planOf = (version: string) =>
  (version.split(".")[0] ?? "").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
export const undo = (version: string) =>
  call<unknown>("POST", `/plans/${planOf(version)}/undo`, { version });
export const takesLonger = (visit: string, minutes: number, version?: string) =>
  call<Trouble>("POST", `/visits/${visit}/delay`, {
    seconds: minutes * 60,
    apply: version !== undefined,
    version: version ?? null,
  });
export const isOut = (technician: string, version?: string) =>
  call<Trouble>("POST", `/technicians/${technician}/out`, {
    apply: version !== undefined,
    version: version ?? null,
  });
export interface Edit {
  do: "move" | "leave_out" | "put_back" | "pin" | "unpin";
  job: string;
  technician_id?: string;
}

export interface Edited {
  plan: string;
  effect: Record<string, number>;
  goals: Record<string, number>;
  moves: Move[];
  violations: { rule: string; message: string }[];
  version: string;
}

/** Shows what an edit by hand does; with the version that was shown, does it. */
export const edit = (plan: string, what: Edit, version?: string) =>
  call<Edited>("POST", `/plans/${plan}/edits`, {
    ...what,
    apply: version !== undefined,
    version: version ?? null,
  });
