// Amounts and times as consumers read them.

import { locale } from "../lib/text.svelte";

/** An amount in minor units, in its currency. */
export function money(fen: number, currency: string): string {
  const format = new Intl.NumberFormat(locale(), { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(fen / 10 ** digits);
}

/** Day and time in the region's zone, with "today" and "tomorrow" where they fit. */
export function moment(iso: string, timezone: string): string {
  const at = new Date(iso);
  const day = (date: Date) =>
    new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(date);
  const ahead = Math.round((Date.parse(day(at)) - Date.parse(day(new Date()))) / 86_400_000);
  const time = new Intl.DateTimeFormat(locale(), {
    timeZone: timezone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
  if (Math.abs(ahead) <= 1) {
    const near = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(ahead, "day");
    return locale() === "zh-CN" ? `${near}${time}` : `${near} ${time}`;
  }
  const far = new Intl.DateTimeFormat(locale(), {
    timeZone: timezone,
    weekday: "short",
    day: "numeric",
    month: "short",
  }).format(at);
  return `${far} ${time}`;
}

/** The instant of a day and a time on the wall of a zone. */
export function instant(day: string, time: string, timezone: string): string {
  const guess = new Date(`${day}T${time}:00Z`);
  const shown = (date: Date) => {
    const parts = new Intl.DateTimeFormat("en-CA", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    }).formatToParts(date);
    const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "00";
    return Date.parse(
      `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}:00Z`,
    );
  };
  // Twice: the first step may land on the other side of a change of the clocks.
  let at = guess.getTime() - (shown(guess) - guess.getTime());
  at -= shown(new Date(at)) - guess.getTime();
  return new Date(at).toISOString();
}
