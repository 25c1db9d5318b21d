import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// `npm run dev` shows pages from source against a running server.
const server = process.env.ZHUNDA_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The desk's page, the consumer's, the planner's: each loads what it needs and no more.
    rolldownOptions: { input: ["index.html", "consumer.html", "planner.html"] },
    // The map is one large file of its own, fetched only when a map is drawn.
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/api": server } },
});
