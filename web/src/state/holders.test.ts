import { expect, test } from "vitest";
import type { Gang } from "../api/types";
import { heldBy, placed } from "./holders";

function gang(namespace: string, gpus: string, more: Partial<Gang> = {}): Gang {
  return {
    key: { namespace, name: "g", convention: "c" },
    phase: "Running",
    scheduler: "s",
    created: "2026-01-01T10:00:00Z",
    needs: { minAvailable: 4, have: 4, running: 4 },
    priority: 0,
    pods: 4,
    nodes: 2,
    requests: { cpu: "4", memory: "8Gi", "nvidia.com/gpu": gpus },
    ...more,
  };
}

const namespace = (gang: Gang) => gang.key.namespace;

test("who holds the most of a device is first, and devices come before cpu and memory", () => {
  const held = heldBy([gang("team-a", "8"), gang("team-b", "16"), gang("team-a", "4")], namespace);
  expect(held.map((h) => h.resource)).toEqual(["nvidia.com/gpu", "cpu", "memory"]);
  expect(held[0]).toEqual({
    resource: "nvidia.com/gpu",
    amount: 28,
    asked: 0,
    holders: [
      { name: "team-b", amount: 16 },
      { name: "team-a", amount: 12 },
    ],
  });
});

test("a gang that waits holds nothing, and asks for all", () => {
  const waits = gang("team-a", "8", { phase: "Ready", nodes: 0, needs: { minAvailable: 4, have: 4, running: 0 } });
  expect(heldBy([waits], namespace)[0]).toEqual({ resource: "nvidia.com/gpu", amount: 0, asked: 8, holders: [] });
});

test("a gang of which a part runs holds that part", () => {
  const half = gang("team-a", "8", { needs: { minAvailable: 2, have: 4, running: 2 } });
  expect(heldBy([half], namespace)[0]).toMatchObject({ amount: 4, asked: 4 });
});

test("members that have ended count as running, but hold nothing more than the others ask for", () => {
  expect(placed(gang("team-a", "8", { pods: 2, needs: { minAvailable: 4, have: 4, running: 4 } }))).toBe(1);
});

test("resources that nobody divides are left out", () => {
  expect(heldBy([gang("team-a", "1", { requests: { "ephemeral-storage": "1Gi", pods: "4" } })], namespace)).toEqual([]);
});

test("the device of which there are the most is first", () => {
  const few = gang("team-a", "8", { requests: { "example.com/nic": "2", "nvidia.com/gpu": "8" } });
  expect(heldBy([few], namespace).map((h) => h.resource)).toEqual(["nvidia.com/gpu", "example.com/nic"]);
});
