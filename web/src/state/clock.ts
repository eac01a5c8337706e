import { signal } from "@preact/signals";

/** The time, as ages show it: it changes every 10 seconds while the page is shown. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 10_000);

/** How long ago a time is, or was until another, as kubectl writes ages: 45s, 12m, 3h, 5d. */
export function age(since: string, until: number = now.value): string {
  const seconds = Math.max(0, Math.round((until - Date.parse(since)) / 1000));
  if (seconds < 120) return seconds + "s";
  if (seconds < 7200) return Math.floor(seconds / 60) + "m";
  if (seconds < 172_800) return Math.floor(seconds / 3600) + "h";
  return Math.floor(seconds / 86_400) + "d";
}
