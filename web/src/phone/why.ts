// What a refusal means to a technician, and what to do about it.

import { t, type Word } from "../lib/text.svelte";
import { phoneEnglish } from "../lib/phone.english";

export function why(code: string): string {
  const key = `p.why.${code}`;
  return t((key in phoneEnglish ? key : "p.why.other") as Word);
}
