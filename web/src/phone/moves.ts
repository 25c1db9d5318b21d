// What may follow on what at a visit, as far as a technician moves it. The server decides; this is
// what the page shows meanwhile. A test holds it equal to the server's table.

export type VisitEvent =
  | "accepted"
  | "on_the_way"
  | "arrived"
  | "done"
  | "no_access"
  | "parts_needed";

export const NEXT: Record<string, VisitEvent[]> = {
  published: ["accepted"],
  accepted: ["on_the_way"],
  on_the_way: ["arrived"],
  arrived: ["done", "no_access", "parts_needed"],
};

/** The state after events that may not have reached the server: what is no legal move is skipped. */
export function stateAfter(state: string, events: VisitEvent[]): string {
  return events.reduce<string>((at, event) => (NEXT[at]?.includes(event) ? event : at), state);
}
