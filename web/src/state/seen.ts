import { signal } from "@preact/signals";
import type { History, Queues } from "../api/types";

/** The shares of queues over time. */
export interface Shares {
  /** In seconds since 1970, ascending. */
  times: number[];
  /** For each queue a share for each time, from 0 to 1; null where none is known. */
  queues: Map<string, (number | null)[]>;
}

/** At most so many times are kept in memory. */
const most = 2000;

export function noShares(): Shares {
  return { times: [], queues: new Map() };
}

/** The shares with those of an answer added. When there are too many times, every second one is left out. */
export function add(shares: Shares, answer: Queues, at: number): Shares {
  const last = shares.times.at(-1);
  if (last !== undefined && at <= last) return shares;
  const kept = shares.times.length < most ? shares : thinned(shares);
  const count = kept.times.length;
  const queues = new Map([...kept.queues].map(([name, values]) => [name, [...values, null as number | null]]));
  for (const queue of answer.items ?? []) {
    const values = queues.get(queue.name) ?? Array.from<number | null>({ length: count + 1 }).fill(null);
    values[count] = queue.share;
    queues.set(queue.name, values);
  }
  return { times: [...kept.times, at], queues };
}

function thinned(shares: Shares): Shares {
  const keep = <T>(values: T[]) => values.filter((_, i) => i % 2 === 0);
  return { times: keep(shares.times), queues: new Map([...shares.queues].map(([name, values]) => [name, keep(values)])) };
}

/** The shares that Prometheus has kept. Its series may have gaps, each others. */
export function ofHistory(history: History): Shares {
  const times = [...new Set(history.series.flatMap((series) => series.points.map(([at]) => at)))].sort((a, b) => a - b);
  const queues = new Map<string, (number | null)[]>();
  for (const series of history.series) {
    const known = new Map(series.points);
    queues.set(
      series.queue,
      times.map((at) => known.get(at) ?? null),
    );
  }
  return { times, queues };
}

/** A queue over the whole time: its last share, the smallest and the largest. */
export interface Extent {
  queue: string;
  last: number;
  least: number;
  most: number;
}

export function extents(shares: Shares): Extent[] {
  return [...shares.queues].flatMap(([queue, values]) => {
    const known = values.filter((value) => value !== null);
    const last = known.at(-1);
    return last === undefined ? [] : [{ queue, last, least: Math.min(...known), most: Math.max(...known) }];
  });
}

/** What was seen since the page was opened. */
export const seen = signal<Shares>(noShares());

export function see(answer: Queues): void {
  seen.value = add(seen.value, answer, Math.floor(Date.now() / 1000));
}
