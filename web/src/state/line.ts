import { useMemo } from "preact/hooks";
import type { Gang, Order } from "../api/types";
import { scope, useAnswer } from "./answer";
import { gangs, id, version } from "./gangs";

/** A gang that waits, with its place in the line. */
export interface Waiting {
  id: string;
  gang: Gang;
  /** Its place among all gangs that wait, from 1; undefined if the scheduler does not have it in its line, such as an incomplete gang. */
  place: number | undefined;
  /** How many gangs of its queue go before it, if the scheduler says so. */
  position: number | undefined;
  queue: string | undefined;
  setAside: Order["items"][number]["setAside"];
  nextTry: string | undefined;
  reason: string | undefined;
}

export interface Line {
  waiting: Waiting[];
  /** Why this is not the order of the scheduler, or not its latest; empty if it is. */
  note: string;
}

/** Whether a gang runs. All others wait. Members that no gang ties together start one by one. */
export function runs(gang: Gang): boolean {
  return gang.phase === "Running" || (gang.phase === "Unbound" && gang.needs.running > 0);
}

/** The gangs that wait: those of the scheduler's order first, in it, and then the others by priority and age. */
export function lineUp(all: Iterable<Gang>, order: Order | undefined): Waiting[] {
  const rank = new Map(order?.items.map((item, i) => [id(item.key), i]));
  const found = [...all]
    .filter((gang) => !runs(gang))
    .map((gang) => ({ gang, key: id(gang.key), rank: rank.get(id(gang.key)) ?? Infinity }));
  found.sort((a, b) => (a.rank === b.rank ? byPriorityAndAge(a.gang, b.gang) : a.rank - b.rank));
  return found.map(({ gang, key, rank }, i) => {
    const item = order?.items[rank];
    return {
      id: key,
      gang,
      place: item || !order ? i + 1 : undefined,
      position: item?.position,
      queue: item?.queue ?? gang.queue,
      setAside: item?.setAside,
      nextTry: item?.nextTry,
      reason: item?.reason ?? gang.reason,
    };
  });
}

function byPriorityAndAge(a: Gang, b: Gang): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.created !== b.created) return Date.parse(a.created) - Date.parse(b.created);
  return id(a.key) < id(b.key) ? -1 : 1;
}

/** The gangs that go before one in its queue, the next one to go first. */
export function before(line: Waiting[], of: Waiting): Waiting[] {
  const at = line.findIndex((waiting) => waiting.id === of.id);
  return line.slice(0, Math.max(0, at)).filter((waiting) => waiting.queue === of.queue && waiting.place !== undefined);
}

/** The gangs that wait, in the order in which the scheduler takes them. It is kept up to date. */
export function useLine(): Line {
  const answer = useAnswer<Order>("order", scope()).value;
  const waiting = useMemo(() => lineUp(gangs().values(), answer.value), [version.value, answer.value]);
  return { waiting, note: noteOf(answer.value, answer.problem !== undefined, answer.problem?.status === 403) };
}

function noteOf(order: Order | undefined, failed: boolean, forbidden: boolean): string {
  if (!failed) return "";
  if (order) return `The scheduler does not answer. The order is that of ${new Date(order.at).toLocaleTimeString()}.`;
  const why = forbidden ? "You may not ask the scheduler for its order." : "The scheduler does not answer.";
  return why + " Gangs are sorted by priority, then by age; the order in which they go may be another.";
}
