import type { Nodes } from "../api/types";
import { formatQuantity, isDevice, withName } from "./quantity";

export type Node = Nodes["items"][number];

/** A part of what a node has of a resource. */
export interface Part {
  /** "other" are pods without a gang, of other schedulers, or that the reader may not see. */
  kind: "gang" | "other" | "aside" | "free";
  /** The index of the gang, of the kind "gang" only. */
  gang: number;
  amount: number;
}

/** Whether pods can be started on the node. */
export function usable(node: Node): boolean {
  return node.ready && !node.unschedulable;
}

/** What is left on the node of the resource, whether it is usable or not. */
export function free(node: Node, resource: number): number {
  return Math.max(0, (node.allocatable[resource] ?? 0) - (node.used[resource] ?? 0) - (node.setAside?.[resource] ?? 0));
}

/** What the node has of a resource, by who uses it. Together the parts are at least what is allocatable. */
export function partsOf(node: Node, resource: number): Part[] {
  const parts: Part[] = [];
  const add = (kind: Part["kind"], amount: number, gang = -1) => {
    if (amount > 1e-9) parts.push({ kind, gang, amount });
  };
  let byGangs = 0;
  for (const use of node.gangs ?? []) {
    const amount = use.uses[resource] ?? 0;
    byGangs += amount;
    add("gang", amount, use.gang);
  }
  add("other", (node.used[resource] ?? 0) - byGangs);
  add("aside", node.setAside?.[resource] ?? 0);
  add("free", free(node, resource));
  return parts;
}

/** Sums of a resource over some nodes. */
export interface Sum {
  nodes: number;
  /** The nodes that are not ready or cordoned. What is free on them is not counted as free. */
  unusable: number;
  allocatable: number;
  used: number;
  setAside: number;
  free: number;
}

function emptySum(): Sum {
  return { nodes: 0, unusable: 0, allocatable: 0, used: 0, setAside: 0, free: 0 };
}

function addTo(sum: Sum, node: Node, resource: number): void {
  sum.nodes++;
  sum.allocatable += node.allocatable[resource] ?? 0;
  sum.used += node.used[resource] ?? 0;
  sum.setAside += node.setAside?.[resource] ?? 0;
  if (usable(node)) sum.free += free(node, resource);
  else sum.unusable++;
}

export function sumOf(nodes: readonly Node[], resource: number): Sum {
  const sum = emptySum();
  for (const node of nodes) addTo(sum, node, resource);
  return sum;
}

/** The domain of the node by the key, "" if it has none. */
export function domainOf(node: Node, key: number): string {
  return key < 0 ? "" : (node.domains[key] ?? "");
}

/** Sums by domain, those with the most free first; nodes without a domain are last. */
export function byDomain(nodes: readonly Node[], key: number, resource: number): { name: string; sum: Sum }[] {
  const sums = new Map<string, Sum>();
  for (const node of nodes) {
    const name = domainOf(node, key);
    let sum = sums.get(name);
    if (!sum) sums.set(name, (sum = emptySum()));
    addTo(sum, node, resource);
  }
  return [...sums]
    .map(([name, sum]) => ({ name, sum }))
    .sort((a, b) => Number(a.name === "") - Number(b.name === "") || b.sum.free - a.sum.free || a.name.localeCompare(b.name));
}

/** The key by which nodes are grouped unless the reader chooses: the first that tells nodes apart, and has not a domain for each node. */
export function defaultKey(answer: Nodes): string {
  return (
    answer.topologyKeys.find((_, key) => {
      const domains = new Set(answer.items.map((node) => domainOf(node, key)));
      domains.delete("");
      return domains.size > 1 && domains.size < answer.items.length;
    }) ?? ""
  );
}

/** The resource that is shown unless the reader chooses: the first device that the cluster has, because devices are what is scarce. */
export function defaultResource(answer: Nodes): string {
  const device = answer.resources.find((name, r) => isDevice(name) && answer.items.some((node) => (node.allocatable[r] ?? 0) > 0));
  return device ?? answer.resources[0] ?? "cpu";
}

/** The part of the bar at a place from 0 to 1. */
export function partAt(parts: readonly Part[], place: number): Part | undefined {
  const total = parts.reduce((sum, part) => sum + part.amount, 0);
  let end = 0;
  return parts.find((part) => place * total < (end += part.amount));
}

/** What is wrong with the node, in words; empty if pods can be started on it. */
export function troubleOf(node: Node): string {
  if (!node.ready) return node.unschedulable ? "not ready, cordoned" : "not ready";
  return node.unschedulable ? "cordoned" : "";
}

/** The gang as people write it. */
export function gangName(answer: Nodes, gang: number): string {
  const found = answer.gangs[gang];
  return found ? `${found.namespace}/${found.name}` : "";
}

/** What the bar of the node shows, in words: one line for each part. */
export function linesOf(answer: Nodes, node: Node, resource: number): string[] {
  const name = answer.resources[resource] ?? "";
  const total = node.allocatable[resource] ?? 0;
  if (total === 0) return [`has no ${name}`];
  const lines = partsOf(node, resource).map((part) => {
    const amount = formatQuantity(name, part.amount);
    if (part.kind === "gang") return `${gangName(answer, part.gang)} uses ${amount}`;
    return { other: "other pods use ", aside: "set aside: ", free: "free: " }[part.kind] + amount;
  });
  return [...lines, `of ${withName(name, total)}`];
}
