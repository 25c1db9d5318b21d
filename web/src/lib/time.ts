// Times as people of the region read them.

import { locale, t } from "./text.svelte";

/** Clock time in the region's zone, with the weekday when it is another day than `date`. */
export function clock(iso: string, timezone: string, date?: string): string {
  const moment = new Date(iso);
  const time = new Intl.DateTimeFormat(locale(), {
    timeZone: timezone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(moment);
  if (date === undefined || localDate(moment, timezone) === date) return time;
  const day = new Intl.DateTimeFormat(locale(), { timeZone: timezone, weekday: "short" });
  return `${day.format(moment)} ${time}`;
}

/** The calendar day of a moment in a zone, as YYYY-MM-DD. */
export function localDate(moment: Date, timezone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(moment);
}

/** A calendar day in full. */
export function longDate(date: string): string {
  return new Intl.DateTimeFormat(locale(), {
    timeZone: "UTC",
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  }).format(new Date(`${date}T12:00:00Z`));
}

/** A span such as "3 h 05 min"; the sign is left to the words around it. */
export function span(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  if (minutes === 0) return t("span.moment");
  if (minutes < 60) return t("span.minutes", { m: minutes });
  const rest = String(minutes % 60).padStart(2, "0");
  return t("span.hours", { h: Math.floor(minutes / 60), m: rest });
}

/** Hours with one decimal. */
export function hours(seconds: number): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(seconds / 3600);
}

export const secondsBetween = (from: string, to: string) =>
  (new Date(to).getTime() - new Date(from).getTime()) / 1000;
