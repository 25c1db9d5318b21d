// Dark or light as the person's system prefers it, and following it when it changes.

const query = window.matchMedia("(prefers-color-scheme: dark)");

export const scheme = $state({ dark: query.matches });

query.addEventListener("change", (event) => {
  scheme.dark = event.matches;
});
