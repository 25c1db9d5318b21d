import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { WORKER, phoneShell } from "./phone-shell";

// `npm run dev` shows pages from source against a running server.
const server = process.env.ZHUNDA_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte(), phoneShell()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The pages of desk, consumer, planner and technician: each loads what it needs and no more.
    rolldownOptions: {
      input: {
        index: "index.html",
        consumer: "consumer.html",
        planner: "planner.html",
        phone: "phone.html",
        [WORKER]: "src/phone/worker.ts",
      },
      // A service worker keeps its name: browsers ask for it anew by that.
      output: {
        entryFileNames: (chunk) =>
          chunk.name === WORKER ? "[name].js" : "assets/[name]-[hash].js",
      },
    },
    // The map is one large file of its own, fetched only when a map is drawn.
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/api": server } },
});
