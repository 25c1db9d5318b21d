// The service worker of /phone: opens the page without a network. It keeps the built files and
// nothing else: what the server says and what the technician tells it live in IndexedDB, where the
// page can see them. The build writes the names of the files and their hash in here.

declare const PHONE_FILES: string[];
declare const PHONE_VERSION: string;

interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asked extends Waiting {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  addEventListener(type: "install" | "activate", act: (event: Waiting) => void): void;
  addEventListener(type: "fetch", act: (event: Asked) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
}

{
  const worker = globalThis as unknown as Worker;
  const PREFIX = "zhunda-phone-";
  const kept = PREFIX + PHONE_VERSION;
  const PAGE = "/phone";

  worker.addEventListener("install", (event) => {
    event.waitUntil(
      caches
        .open(kept)
        // Past the browser's own cache: a half-updated shell is worse than none.
        .then((cache) => cache.addAll(PHONE_FILES.map((file) => new Request(file, { cache: "reload" }))))
        .then(() => worker.skipWaiting()),
    );
  });

  worker.addEventListener("activate", (event) => {
    event.waitUntil(
      caches
        .keys()
        .then((names) =>
          names.filter((name) => name.startsWith(PREFIX) && name !== kept),
        )
        .then((old) => Promise.all(old.map((name) => caches.delete(name))))
        .then(() => worker.clients.claim()),
    );
  });

  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== worker.location.origin) return;
    if (url.pathname.startsWith("/api/")) return;
    const page = request.mode === "navigate" && url.pathname.replace(/\/$/, "") === PAGE;
    if (!page && !PHONE_FILES.includes(url.pathname)) return;
    const name = page ? PAGE : url.pathname;
    event.respondWith(
      caches
        .open(kept)
        .then((cache) => cache.match(name, { ignoreVary: true }))
        .then((found) => found ?? fetch(request)),
    );
  });
}
