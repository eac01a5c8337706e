import type { Nodes } from "../api/types";
import { domainOf, free, usable } from "./nodes";
import { isDevice, parseQuantity, withName } from "./quantity";

/** What one pod of a gang asks for: amounts by the name of the resource. */
export type Shape = Record<string, number>;

/** How many pods of a shape fit now. */
export interface Fit {
  pods: number;
  /** The number of nodes on which at least one fits. */
  nodes: number;
  /** The domain in which the most fit; missing if nodes are not grouped, or nothing fits in a domain. */
  best?: { name: string; pods: number };
}

const gibi = 2 ** 30;

/** The shapes that are always asked about: a small pod, a larger one, and for each device one, half and all that a node has. */
export function usualShapes(answer: Nodes): Shape[] {
  const shapes: Shape[] = [
    { cpu: 1, memory: 2 * gibi },
    { cpu: 8, memory: 32 * gibi },
  ];
  answer.resources.forEach((name, r) => {
    if (isDevice(name)) shapes.push(...deviceShapes(answer, name, r));
  });
  return shapes;
}

function deviceShapes(answer: Nodes, device: string, r: number): Shape[] {
  const most = Math.max(0, ...answer.items.map((node) => node.allocatable[r] ?? 0));
  if (most === 0) return [];
  const full = answer.items.filter((node) => node.allocatable[r] === most);
  // A quarter of cpu and memory is left to what runs on each node beside gangs, such as device plugins and log collectors.
  const part = (name: string) => 0.75 * Math.min(...full.map((node) => node.allocatable[answer.resources.indexOf(name)] ?? 0));
  const counts = new Set([1, Math.floor(most / 2), most].filter((count) => count > 0));
  return [...counts].map((count) => {
    const shape: Shape = { [device]: count };
    const cpu = Math.floor((part("cpu") * count) / most);
    const memory = Math.floor((part("memory") * count) / most / gibi) * gibi;
    if (cpu > 0) shape["cpu"] = cpu;
    if (memory > 0) shape["memory"] = memory;
    return shape;
  });
}

/** How many pods of the shape fit on nodes that are ready and not cordoned, by what is free there. Resources alone are counted. */
export function fitOf(answer: Nodes, shape: Shape, key: number): Fit {
  const asks = Object.entries(shape)
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => ({ r: answer.resources.indexOf(name), amount }));
  const domains = new Map<string, number>();
  const fit: Fit = { pods: 0, nodes: 0 };
  if (asks.length === 0) return fit;
  for (const node of answer.items) {
    if (!usable(node)) continue;
    // What is free is a difference of sums: 0.3 - 0.1 has to hold two times 0.1.
    const pods = Math.min(...asks.map(({ r, amount }) => (r < 0 ? 0 : Math.floor(free(node, r) / amount + 1e-6))));
    if (pods === 0) continue;
    fit.pods += pods;
    fit.nodes++;
    const domain = domainOf(node, key);
    if (domain) domains.set(domain, (domains.get(domain) ?? 0) + pods);
  }
  for (const [name, pods] of domains) if (pods > (fit.best?.pods ?? 0)) fit.best = { name, pods };
  return fit;
}

/** The shape in words, the device first: "1 nvidia.com/gpu, 8 cpu, 32Gi memory". */
export function shapeText(shape: Shape): string {
  const entries = Object.entries(shape).sort(([a], [b]) => Number(isDevice(b)) - Number(isDevice(a)));
  return entries.map(([name, amount]) => withName(name, amount)).join(", ");
}

/** What the reader typed for each resource, as a shape, and what is wrong with it. Nothing is wrong with an empty field. */
export function typedShape(typed: Record<string, string>): { shape: Shape; wrong: Record<string, string> } {
  const shape: Shape = {};
  const wrong: Record<string, string> = {};
  for (const [name, text] of Object.entries(typed)) {
    if (text.trim() === "") continue;
    const amount = parseQuantity(text);
    if (Number.isNaN(amount)) wrong[name] = name === "memory" ? "write a quantity, such as 16Gi" : "write a number, such as 2";
    else if (amount < 0) wrong[name] = "write 0 or more";
    else if (isDevice(name) && !Number.isInteger(amount)) wrong[name] = "devices are whole: write a number, such as 2";
    else shape[name] = amount;
  }
  return { shape, wrong };
}
