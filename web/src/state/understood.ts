import type { Story } from "../api/types";

type Understood = NonNullable<Story["understood"]>;
type Topology = NonNullable<Understood["topology"]>;

const placements: Record<string, string> = {
  pack: "pack: on the nodes with the least free capacity first",
  spread: "spread: as few members on each node as possible",
};
const restarts: Record<string, string> = {
  replace: "replace: each replacement starts as soon as it fits",
  "whole-gang": "whole-gang: the rest is evicted, so that all start together again",
};
const partials: Record<string, string> = {
  wait: "wait: those that run go on",
  evict: "evict: those that run are evicted",
};

/** What the annotations of a gang say, as names and texts, in the order in which readers ask for it. */
export function factsOf(said: Understood): [string, string][] {
  const facts: [string, string | undefined][] = [
    ["Where it may run", said.topology && whereOf(said.topology)],
    ...(said.roles ?? []).map(({ name, topology }): [string, string] => [`Where role ${name} may run`, whereOf(topology)]),
    ["Preemptible", preemptible(said.preemptible)],
    ["Expected runtime", said.expectedRuntime],
    ["Placement", said.placement && (placements[said.placement] ?? said.placement)],
    ["If it loses members", said.restartPolicy && (restarts[said.restartPolicy] ?? said.restartPolicy)],
    ["If only a part fits", said.onPartial && (partials[said.onPartial] ?? said.onPartial)],
    ["Warns if it waits", said.scheduleTimeout && `longer than ${said.scheduleTimeout}`],
    ["Slots are held", said.reservationTimeout && `for ${said.reservationTimeout}`],
  ];
  return facts.filter((fact): fact is [string, string] => !!fact[1]);
}

function preemptible(may: boolean | undefined): string {
  if (may === undefined) return "";
  return may ? "yes" : "no: it starts only within the guarantee of its queue, and nobody preempts it";
}

/** Where members have to be, in the words of the keys of node labels. */
export function whereOf({ required, preferred, sliceRequired, sliceSize, spread }: Topology): string {
  const parts: string[] = [];
  if (required) parts.push(`all members in one ${required}`);
  if (preferred && preferred.length > 0) parts.push(`better in one ${preferred.join(", or else in one ")}`);
  if (sliceRequired) parts.push(`each ${sliceSize ?? 1} members in one ${sliceRequired}`);
  if (spread) parts.push(`spread evenly over ${spread}`);
  return parts.join("; ");
}
