// Every word of the page in English and Chinese, and the language chosen.

import { english } from "./english";
import { chinese } from "./chinese";

export type Language = "en" | "zh";
export type Word = keyof typeof english;

const KEPT = "zhunda.language";
const books: Record<Language, Record<Word, string>> = { en: english, zh: chinese };

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const language = $state<{ current: Language }>({ current: first() });

export function choose(next: Language): void {
  language.current = next;
  localStorage.setItem(KEPT, next);
}

/** The words of a key, with `{name}` replaced by the values given. */
export function t(key: Word, values: Record<string, string | number> = {}): string {
  return books[language.current][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

/** The words of a code that the server gave, or the code made readable where there are none. */
export function term(
  kind: "product" | "fault" | "rule" | "skill" | "state" | "role" | "goal",
  code: string,
): string {
  const key = `${kind}.${code}` as Word;
  return books[language.current][key] ?? code.replaceAll("_", " ");
}

export const locale = () => (language.current === "zh" ? "zh-CN" : "en-GB");
