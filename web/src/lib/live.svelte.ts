// Tells the page that something happened; the page then asks for the day again.

export type Connection = "connecting" | "live" | "lost";

/** Whether changes arrive by themselves at this moment. */
export const live = $state<{ connection: Connection }>({ connection: "connecting" });

// What changes the picture of a day; everything else in the feed is of no matter here.
const CHANGES = [
  "plan_drafted",
  "plan_published",
  "job_committed",
  "job_left_out",
  "visit_delayed",
  "visit_moved",
  "visit_pinned",
  "visit_unpinned",
  "technician_out",
  "plan_change_undone",
  "visit_accepted",
  "visit_on_the_way",
  "visit_arrived",
  "visit_done",
  "visit_withdrawn",
  "shift_added",
  "technician_added",
  "outlet_opened",
  "demo_seeded",
];

// Several changes of one command, or of one plan, come together and cost one question.
const SETTLE_MS = 400;

/** Call `changed` after activity on the server, until the returned function is called. */
export function follow(changed: () => void): () => void {
  const source = new EventSource("/api/v1/events");
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wasLost = false;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(changed, SETTLE_MS);
  };
  source.onopen = () => {
    live.connection = "live";
    if (wasLost) soon();
    wasLost = false;
  };
  source.onerror = () => {
    live.connection = "lost";
    wasLost = true;
  };
  for (const kind of CHANGES) source.addEventListener(kind, soon);
  return () => {
    clearTimeout(timer);
    source.close();
    live.connection = "connecting";
  };
}
