import type { Gang } from "../api/types";
import { isDevice, parseQuantity } from "./quantity";

export interface Holder {
  name: string;
  amount: number;
}

/** Who holds a resource. */
export interface Held {
  resource: string;
  /** What gangs hold together, and what those that wait ask for. */
  amount: number;
  asked: number;
  /** Those that hold some, the one with the most first. */
  holders: Holder[];
}

/** The part of a gang's requests that is on nodes. The stream has the requests of all members, so of some that differ this is an estimate. */
export function placed(gang: Gang): number {
  if (gang.nodes === 0 || gang.pods === 0) return 0;
  return Math.min(1, gang.needs.running / gang.pods);
}

// A gang that changes is another object, so what was read of one stays true.
const read = new WeakMap<Gang, [string, number][]>();

function amountsOf(gang: Gang): [string, number][] {
  let amounts = read.get(gang);
  if (!amounts) {
    amounts = Object.entries(gang.requests ?? {})
      .filter(([resource]) => isDevice(resource) || resource === "cpu" || resource === "memory")
      .map(([resource, text]) => [resource, parseQuantity(text)]);
    read.set(gang, amounts);
  }
  return amounts;
}

/** Sums up who holds each device, those of which there are the most first, and then cpu and memory. */
export function heldBy(gangs: Iterable<Gang>, by: (gang: Gang) => string): Held[] {
  const all = new Map<string, { amounts: Map<string, number>; asked: number }>();
  for (const gang of gangs) {
    const part = placed(gang);
    for (const [resource, amount] of amountsOf(gang)) {
      const entry = all.get(resource) ?? { amounts: new Map<string, number>(), asked: 0 };
      all.set(resource, entry);
      entry.asked += amount * (1 - part);
      if (part > 0) entry.amounts.set(by(gang), (entry.amounts.get(by(gang)) ?? 0) + amount * part);
    }
  }
  return [...all]
    .map(([resource, { amounts, asked }]) => ({
      resource,
      amount: [...amounts.values()].reduce((sum, amount) => sum + amount, 0),
      asked,
      holders: [...amounts].map(([name, amount]) => ({ name, amount })).sort((a, b) => b.amount - a.amount || (a.name < b.name ? -1 : 1)),
    }))
    .sort((a, b) => Number(isDevice(b.resource)) - Number(isDevice(a.resource)) || compareUse(a, b));
}

function compareUse(a: Held, b: Held): number {
  const more = isDevice(a.resource) ? b.amount + b.asked - a.amount - a.asked : 0;
  return more || (a.resource < b.resource ? -1 : 1);
}
