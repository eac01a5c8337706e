import { age, now } from "../state/clock";

/** How long ago it was, with the time itself. */
export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={moment(at)}>
      {age(at)}
    </time>
  );
}

// One for all, because to make one takes longer than to draw a row.
const written = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A time as the reader's language writes it, with the date. */
export function moment(at: string): string {
  return written.format(Date.parse(at));
}

/** How long it is until a time, such as 12m; "now" once it has come. */
export function until(at: string): string {
  return Date.parse(at) <= now.value ? "now" : age(new Date(now.value).toISOString(), Date.parse(at));
}
