// The key with which this phone signs what it tells, so that nothing in the queue can be altered
// unseen. It is made here, cannot be taken out of the browser, and is gone when its owner signs out.
// Where the browser has no such keys (plain http, an old one) the phone tells unsigned.

import { newId } from "./ids";
import { told } from "./server";
import { forget, keep, kept } from "./store";

export interface Signature {
  key: string;
  /** The event as JSON, as it was signed. */
  text: string;
  value: string;
}

interface DeviceKey {
  id: string;
  key: CryptoKey;
}

const TAG = "zhunda-visit-event/1\n";
const nameOf = (person: string) => `key:${person}`;
const hex = (bytes: ArrayBuffer) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** How long a press of a button, or a sign-out, waits for the server at most. */
const PATIENCE_MS = 2_000;
const patience = () => new Promise<void>((done) => setTimeout(done, PATIENCE_MS));
let preparing: Promise<void> = Promise.resolve();

/** Make and register a key where there is none yet; what fails is tried again at the next start. */
export function prepare(person: string): Promise<void> {
  preparing = make(person);
  return preparing;
}

async function make(person: string): Promise<void> {
  if (!globalThis.crypto?.subtle || (await kept<DeviceKey>(nameOf(person)))) return;
  try {
    const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, [
      "sign",
      "verify",
    ])) as CryptoKeyPair;
    const id = newId();
    const public_key = hex(await crypto.subtle.exportKey("raw", pair.publicKey));
    // Kept once the server knows it: what nobody can check is not worth signing.
    await told("POST", "/me/device-keys", { id, public_key });
    await keep(nameOf(person), { id, key: pair.privateKey } satisfies DeviceKey);
  } catch {
    // Unsigned, then: an arrival must not fail for want of a signature.
  }
}

/** The signature of what is about to be queued; null where this phone has no key. */
export async function sign(person: string, body: unknown): Promise<Signature | null> {
  try {
    await Promise.race([preparing, patience()]);
    const mine = await kept<DeviceKey>(nameOf(person));
    if (!mine) return null;
    const text = JSON.stringify(body);
    const bytes = new TextEncoder().encode(TAG + text);
    return { key: mine.id, text, value: hex(await crypto.subtle.sign("Ed25519", mine.key, bytes)) };
  } catch {
    return null;
  }
}

/** Forget the key; what it has signed stays signed. */
export async function retire(person: string): Promise<void> {
  const mine = await kept<DeviceKey>(nameOf(person));
  if (!mine) return;
  await forget([nameOf(person)]);
  // Without a network the server keeps it; nobody can use it any more.
  const ended = told("DELETE", `/me/device-keys/${mine.id}`).catch(() => {});
  await Promise.race([ended, patience()]);
}
