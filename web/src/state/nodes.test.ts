import { describe, expect, test } from "vitest";
import type { Nodes } from "../api/types";
import { byDomain, defaultKey, defaultResource, linesOf, partAt, partsOf, sumOf, troubleOf } from "./nodes";
import { usersOf } from "./users";

const answer: Nodes = {
  resources: ["cpu", "nvidia.com/gpu"],
  topologyKeys: ["region", "rack", "kubernetes.io/hostname"],
  gangs: [
    { namespace: "ml", name: "training" },
    { namespace: "ml", name: "small" },
    { namespace: "web", name: "batch" },
  ],
  items: [
    {
      name: "n1",
      domains: ["eu", "r1", "n1"],
      ready: true,
      allocatable: [16, 8],
      used: [10, 4],
      setAside: [2, 1],
      gangs: [
        { gang: 0, pods: 2, uses: [6, 3] },
        { gang: 1, pods: 1, uses: [2, 1] },
      ],
    },
    {
      name: "n2",
      domains: ["eu", "r2", "n2"],
      ready: true,
      allocatable: [16, 8],
      used: [8, 8],
      gangs: [{ gang: 0, pods: 1, uses: [8, 8] }],
    },
    { name: "n3", domains: ["eu", "r2", "n3"], ready: false, allocatable: [16, 8], used: [0, 0] },
    {
      name: "n4",
      domains: ["eu", "", "n4"],
      ready: true,
      unschedulable: true,
      allocatable: [4, 0],
      used: [4, 0],
      gangs: [{ gang: 2, pods: 4, uses: [4, 0] }],
    },
  ],
  at: "2026-01-01T00:00:00Z",
};
const [n1] = answer.items;

describe("the parts of a node", () => {
  test("are what its gangs use, what other pods use, what is set aside, and what is free", () => {
    expect(n1 && partsOf(n1, 0)).toEqual([
      { kind: "gang", gang: 0, amount: 6 },
      { kind: "gang", gang: 1, amount: 2 },
      { kind: "other", gang: -1, amount: 2 },
      { kind: "aside", gang: -1, amount: 2 },
      { kind: "free", gang: -1, amount: 4 },
    ]);
  });
  test("leave out what is nothing", () => {
    expect(n1 && partsOf(n1, 1).map((part) => part.kind)).toEqual(["gang", "gang", "aside", "free"]);
  });
  test("have nothing free where more is used than allocatable", () => {
    const node = { name: "n", domains: [], ready: true, allocatable: [4], used: [5] };
    expect(partsOf(node, 0)).toEqual([{ kind: "other", gang: -1, amount: 5 }]);
  });
});

describe("sums", () => {
  test("count as free only what is on nodes that are ready and not cordoned", () => {
    expect(sumOf(answer.items, 0)).toEqual({ nodes: 4, unusable: 2, allocatable: 52, used: 22, setAside: 2, free: 12 });
  });
  test("of domains begin with the one with the most free, and end with nodes that have none", () => {
    const [first, ...others] = answer.items;
    const items = first ? [first, ...others, { ...first, name: "n5", domains: ["eu", "", "n5"], used: [0, 0] }] : [];
    expect(byDomain(items, 1, 0).map(({ name, sum }) => [name, sum.nodes, sum.free])).toEqual([
      ["r2", 2, 8],
      ["r1", 1, 4],
      ["", 2, 14],
    ]);
  });
});

test("nodes are grouped by the first key that has several domains, but not one for each node", () => {
  expect(defaultKey(answer)).toBe("rack");
  expect(defaultKey({ ...answer, topologyKeys: ["region"] })).toBe("");
});

test("the resource shown first is a device that the cluster has, or else cpu", () => {
  expect(defaultResource(answer)).toBe("nvidia.com/gpu");
  expect(defaultResource({ ...answer, items: answer.items.slice(3) })).toBe("cpu");
});

describe("who uses a resource", () => {
  const users = usersOf(answer, 0);
  test("is counted by gang, most first", () => {
    expect(users.gangs.map((user) => [user.gang, user.amount, user.pods, user.nodes])).toEqual([
      ["training", 14, 3, 2],
      ["batch", 4, 4, 1],
      ["small", 2, 1, 1],
    ]);
  });
  test("is counted by namespace: a node with two gangs of it is one node", () => {
    expect(users.namespaces.map((user) => [user.namespace, user.amount, user.gangs, user.nodes])).toEqual([
      ["ml", 16, 2, 2],
      ["web", 4, 1, 1],
    ]);
  });
  test("leaves what no listed gang uses", () => expect(users.other).toBe(2));
  test("leaves out gangs that use nothing of it", () => {
    expect(usersOf(answer, 1).gangs.map((user) => user.gang)).toEqual(["training", "small"]);
  });
});

describe("what the bar of a node says", () => {
  test("names each part, and the whole", () => {
    expect(n1 && linesOf(answer, n1, 0)).toEqual([
      "ml/training uses 6",
      "ml/small uses 2",
      "other pods use 2",
      "set aside: 2",
      "free: 4",
      "of 16 cpu",
    ]);
  });
  test("is only that the node has none, if it has none", () => {
    const n4 = answer.items[3];
    expect(n4 && linesOf(answer, n4, 1)).toEqual(["has no nvidia.com/gpu"]);
  });
  test("includes why no pod is started there", () => {
    expect(answer.items.map(troubleOf)).toEqual(["", "", "not ready", "cordoned"]);
  });
  test("is found by a place in it", () => {
    const parts = n1 ? partsOf(n1, 0) : [];
    expect([0, 0.374, 0.376, 0.99].map((place) => partAt(parts, place)?.kind)).toEqual(["gang", "gang", "gang", "free"]);
    expect([partAt(parts, 0.374)?.gang, partAt(parts, 0.376)?.gang]).toEqual([0, 1]);
    expect(partAt(parts, 1)).toBeUndefined();
  });
});
