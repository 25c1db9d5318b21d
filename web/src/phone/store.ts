// What the phone keeps in IndexedDB: the queue, the photos' bytes, the last route sheet, drafts.
// A promise that resolves means: written to disk, as far as the browser can tell.

import type { Signature } from "./keys";
import type { VisitEvent } from "./moves";

export type Status = "waiting" | "sent" | "held" | "refused";

interface Queued {
  id: string;
  /** Whose it is: somebody else signed in on this phone must not send it. */
  person: string;
  name: string;
  visit: string;
  /** The job's number, to be recognised by. */
  job: number;
  /** The device's clock with its offset. */
  at: string;
  status: Status;
  code: string;
  detail: string;
  tries: number;
}

export interface QueuedEvent extends Queued {
  kind: "event";
  event: VisitEvent;
  place: { lat: number; lon: number } | null;
  accuracy_m: number | null;
  details: Record<string, unknown>;
  /** Of the moment of the press; null where the phone has no key. */
  signature?: Signature | null;
}

export interface QueuedPhoto extends Queued {
  kind: "photo";
  photo: string;
  type: string;
  size: number;
}

export type Entry = QueuedEvent | QueuedPhoto;

const NAME = "zhunda-phone";
const STORES = ["queue", "bytes", "kept"] as const;
type Store = (typeof STORES)[number];

let opening: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store);
    };
    request.onsuccess = () => {
      // The browser may close it (memory, a newer version in another tab): open it anew then.
      request.result.onclose = () => (opening = null);
      request.result.onversionchange = () => {
        request.result.close();
        opening = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opening = null;
      reject(request.error);
    };
  });
  return opening;
}

async function write(stores: Store[], act: (of: (store: Store) => IDBObjectStore) => void) {
  const database = await open();
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction(stores, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
    act((store) => transaction.objectStore(store));
  });
}

async function read<T>(store: Store, ask: (from: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await open();
  return await new Promise<T>((resolve, reject) => {
    const request = ask(database.transaction(store).objectStore(store));
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error);
  });
}

/** Everything queued, in the order in which it was made. */
export async function entries(): Promise<Entry[]> {
  // Ids are UUIDv7: the order of the keys is the order of making.
  return await read<Entry[]>("queue", (from) => from.getAll());
}

/** Queue an entry, a photo with its bytes, in one transaction. */
export const add = (entry: Entry, bytes?: ArrayBuffer) =>
  write(["queue", "bytes"], (of) => {
    of("queue").put(entry, entry.id);
    if (bytes) of("bytes").put(bytes, entry.id);
  });

/** Write what became of an entry; a photo that has arrived is forgotten here. */
export const settle = (entry: Entry) =>
  write(["queue", "bytes"], (of) => {
    of("queue").put(entry, entry.id);
    if (entry.status === "sent") of("bytes").delete(entry.id);
  });

export const remove = (ids: string[]) =>
  write(["queue", "bytes"], (of) => {
    for (const id of ids) {
      of("queue").delete(id);
      of("bytes").delete(id);
    }
  });

export const bytesOf = (id: string) =>
  read<ArrayBuffer | undefined>("bytes", (from) => from.get(id));

export const keep = (key: string, value: unknown) =>
  write(["kept"], (of) => void of("kept").put(value, key));

export const kept = <T>(key: string) => read<T | undefined>("kept", (from) => from.get(key));

export const forget = (keys: string[]) =>
  write(["kept"], (of) => keys.forEach((key) => void of("kept").delete(key)));

/** Forget drafts of visits that are over. */
export async function keysKept(): Promise<string[]> {
  return (await read<IDBValidKey[]>("kept", (from) => from.getAllKeys())).map(String);
}
