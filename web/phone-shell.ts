// Tells the phone's service worker which built files make up the page, and the hash of them all.

import { createHash } from "node:crypto";
import type { Plugin } from "vite";

export const WORKER = "phone-worker";
const PAGE = "/phone";
const BESIDE = ["/phone.webmanifest", "/phone-icon.svg"];

export function phoneShell(): Plugin {
  return {
    name: "zhunda-phone-shell",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const worker = chunks.find((one) => one.name === WORKER);
      const entry = chunks.find((one) => one.isEntry && one.name === "phone");
      const page = bundle["phone.html"];
      if (!worker || !entry || page?.type !== "asset") this.error("no phone page was built");
      const names = new Set<string>();
      const collect = (name: string) => {
        const chunk = bundle[name];
        if (names.has(name) || chunk?.type !== "chunk") return;
        names.add(name);
        chunk.viteMetadata?.importedCss.forEach((file) => names.add(file));
        [...chunk.imports, ...chunk.dynamicImports].forEach(collect);
      };
      collect(entry.fileName);
      const files = [PAGE, ...BESIDE, ...[...names].sort().map((name) => `/${name}`)];
      // Names of built files hold their hashes; the page itself is hashed with them.
      const version = createHash("sha256")
        .update(JSON.stringify(files))
        .update(page.source)
        .digest("hex")
        .slice(0, 16);
      worker.code = `const PHONE_FILES=${JSON.stringify(files)},PHONE_VERSION="${version}";${worker.code}`;
    },
  };
}
