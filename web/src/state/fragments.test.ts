import { describe, expect, test } from "vitest";
import type { Nodes } from "../api/types";
import { fitOf, shapeText, typedShape, usualShapes } from "./fragments";

const gibi = 2 ** 30;
const node = (name: string, rack: string, cpuUsed: number, gpuUsed: number) => ({
  name,
  domains: [rack],
  ready: true,
  allocatable: [32, 128 * gibi, 8],
  used: [cpuUsed, 0, gpuUsed],
});

/** Free GPUs: 8 and 2 in r1, 3 and 3 in r2. */
const answer: Nodes = {
  resources: ["cpu", "memory", "nvidia.com/gpu"],
  topologyKeys: ["rack"],
  gangs: [],
  items: [node("n1", "r1", 0, 0), node("n2", "r1", 0, 6), node("n3", "r2", 0, 5), node("n4", "r2", 0, 5)],
  at: "2026-01-01T00:00:00Z",
};
const gpus = (count: number) => ({ "nvidia.com/gpu": count });

describe("how many pods fit", () => {
  test("is counted node by node: 16 GPUs are free, but only one node has 4", () => {
    expect(fitOf(answer, gpus(1), 0)).toEqual({ pods: 16, nodes: 4, best: { name: "r1", pods: 10 } });
    expect(fitOf(answer, gpus(4), 0)).toEqual({ pods: 2, nodes: 1, best: { name: "r1", pods: 2 } });
    expect(fitOf(answer, gpus(3), 0)).toEqual({ pods: 4, nodes: 3, best: { name: "r1", pods: 2 } });
  });
  test("is limited by the resource that is scarce", () => {
    expect(fitOf(answer, { ...gpus(1), cpu: 16 }, 0).pods).toBe(2 + 2 + 2 + 2);
  });
  test("leaves out nodes that are not ready or cordoned, and what is set aside", () => {
    const [n1, n2, n3, n4] = answer.items;
    if (!n1 || !n2 || !n3 || !n4) throw new Error("there are four nodes");
    const items = [{ ...n1, setAside: [0, 0, 6] }, { ...n2, ready: false }, { ...n3, unschedulable: true }, n4];
    expect(fitOf({ ...answer, items }, gpus(1), 0)).toEqual({ pods: 2 + 3, nodes: 2, best: { name: "r2", pods: 3 } });
  });
  test("names no domain if nodes are not grouped, or have no domain", () => {
    expect(fitOf(answer, gpus(1), -1)).toEqual({ pods: 16, nodes: 4 });
    expect(fitOf({ ...answer, items: [node("n", "", 0, 0)] }, gpus(1), 0)).toEqual({ pods: 8, nodes: 1 });
  });
  test("is none for a resource that no node has, and for a pod that asks for nothing", () => {
    expect(fitOf(answer, { "example.com/fpga": 1 }, 0)).toEqual({ pods: 0, nodes: 0 });
    expect(fitOf(answer, { cpu: 0 }, 0).pods).toBe(0);
  });
  test("does not lose a pod to fractions: 0.3 - 0.1 holds 0.1 two times", () => {
    const items = [{ name: "n", domains: [""], ready: true, allocatable: [0.3, 0, 0], used: [0.1, 0, 0] }];
    expect(fitOf({ ...answer, items }, { cpu: 0.1 }, 0).pods).toBe(2);
  });
});

describe("the usual shapes", () => {
  test("are two without devices, and one, half and all devices of a node, with their part of its cpu and memory", () => {
    expect(usualShapes(answer).map(shapeText)).toEqual([
      "1 cpu, 2Gi memory",
      "8 cpu, 32Gi memory",
      "1 nvidia.com/gpu, 3 cpu, 12Gi memory",
      "4 nvidia.com/gpu, 12 cpu, 48Gi memory",
      "8 nvidia.com/gpu, 24 cpu, 96Gi memory",
    ]);
  });
  test("name one device only once, and no device that no node has", () => {
    const items = [{ name: "n", domains: [""], ready: true, allocatable: [4, 8 * gibi, 1], used: [0, 0, 0] }];
    expect(usualShapes({ ...answer, items })).toHaveLength(3);
    expect(usualShapes({ ...answer, items: [] })).toHaveLength(2);
  });
});

describe("a shape that is typed", () => {
  test("has what is filled in", () => {
    expect(typedShape({ cpu: "500m", memory: " 1Gi ", "nvidia.com/gpu": "" })).toEqual({ shape: { cpu: 0.5, memory: gibi }, wrong: {} });
  });
  test("says what is wrong, and where", () => {
    const { shape, wrong } = typedShape({ cpu: "-1", memory: "16 gigs", "nvidia.com/gpu": "0.5" });
    expect(shape).toEqual({});
    expect(Object.keys(wrong)).toEqual(["cpu", "memory", "nvidia.com/gpu"]);
    expect(wrong["memory"]).toBe("write a quantity, such as 16Gi");
  });
});
