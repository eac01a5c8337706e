import { useMemo } from "preact/hooks";
import type { Gang, Order, Problem } from "../api/types";
import { scope, useAnswer } from "./answer";
import { gangs, id, version } from "./gangs";
import { helpOf } from "./help";
import { namespace, token } from "./session";

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
  /** What would help it, in a phrase; empty if only its turn would. */
  help: string;
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
export function lineUp(all: Iterable<[string, Gang]>, order: Order | undefined): Waiting[] {
  const ranks = ranksOf(order);
  const found: (Found & { rank: number })[] = [];
  for (const [key, gang] of all) {
    if (runs(gang)) continue;
    const rank = ranks.get(key) ?? Infinity;
    // Only those without a rank are compared by age.
    found.push({ gang, key, rank, created: rank === Infinity ? Date.parse(gang.created) : 0 });
  }
  found.sort((a, b) => (a.rank === b.rank ? byPriorityAndAge(a, b) : a.rank - b.rank));
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
      help: helpOf(gang, item?.shortage),
      reason: item?.reason ?? gang.reason,
    };
  });
}

// An order is the same for many changes of the gangs.
const ranked = new WeakMap<Order, Map<string, number>>();

function ranksOf(order: Order | undefined): Map<string, number> {
  if (!order) return new Map();
  const known = ranked.get(order) ?? new Map(order.items.map((item, i) => [id(item.key), i]));
  ranked.set(order, known);
  return known;
}

interface Found {
  gang: Gang;
  key: string;
  created: number;
}

function byPriorityAndAge(a: Found, b: Found): number {
  return b.gang.priority - a.gang.priority || a.created - b.created || (a.key < b.key ? -1 : 1);
}

/** The gangs that go before one in its queue, the next one to go first. */
export function before(line: Waiting[], of: Waiting): Waiting[] {
  const at = line.findIndex((waiting) => waiting.id === of.id);
  return line.slice(0, Math.max(0, at)).filter((waiting) => waiting.queue === of.queue && waiting.place !== undefined);
}

// Who comes back to a screen finds the line as it was, until there is a newer answer.
let last: { of: string; by: string; order: Order } | undefined;

/** The gangs that wait, in the order in which the scheduler takes them. It is kept up to date. */
export function useLine(): Line {
  const of = namespace.value;
  const { value, problem } = useAnswer<Order>("order", scope()).value;
  const by = token.value;
  if (value) last = { of, by, order: value };
  const order = last?.of === of && last.by === by ? last.order : undefined;
  const waiting = useMemo(() => lineUp(gangs(), order), [version.value, order]);
  return { waiting, note: noteOf(order, problem) };
}

function noteOf(order: Order | undefined, problem: Problem | undefined): string {
  if (!problem) return "";
  if (order) return `The scheduler does not answer. The order is that of ${new Date(order.at).toLocaleTimeString()}.`;
  const why = problem.status === 403 ? "You may not ask the scheduler for its order." : "The scheduler does not answer.";
  return why + " Gangs are sorted by priority, then by age; the order in which they go may be another.";
}
