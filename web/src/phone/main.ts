import { mount } from "svelte";
import Phone from "./Phone.svelte";
import "../app.css";
import "./phone.css";

const target = document.getElementById("app");
if (target === null) throw new Error("phone.html has no #app");
mount(Phone, { target });

// Without TLS, away from this machine, browsers offer no service worker: the page then needs the
// network to open, and loses nothing of what is queued.
if ("serviceWorker" in navigator) {
  void navigator.serviceWorker.register("/phone-worker.js", { scope: "/phone" }).catch(() => {});
}
// What is queued must not be the first thing a full phone throws away.
void navigator.storage?.persist?.().catch(() => false);
