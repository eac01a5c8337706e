import { expect, test } from "vitest";
import { helpOf } from "./help";

const complete = { phase: "Ready", needs: { minAvailable: 4, have: 4, running: 0 } } as const;

test("one pod lacks what the best node has too little of", () => {
  expect(helpOf(complete, { members: 1, resource: "nvidia.com/gpu", each: "8", largest: "4" })).toBe(
    "4 nvidia.com/gpu more on a node where it may run",
  );
  expect(helpOf(complete, { members: 1, resource: "cpu", each: "2", largest: "500m" })).toBe("1.5 cpu more on a node where it may run");
  expect(helpOf(complete, { members: 1, resource: "memory", each: "16Gi", largest: "12Gi" })).toBe(
    "4Gi memory more on a node where it may run",
  );
});

test("several pods lack room, each for what it requests", () => {
  expect(helpOf(complete, { members: 3, resource: "nvidia.com/gpu", each: "4", largest: "1" })).toBe(
    "room for 3 more pods where it may run, each with 4 nvidia.com/gpu",
  );
});

test("if more than one resource lacks, only the number of pods is known", () => {
  expect(helpOf(complete, { members: 2, anything: true })).toBe("room for 2 more pods where it may run");
  expect(helpOf(complete, { members: 1 })).toBe("room for 1 more pod where it may run");
});

test("a gang that is not complete lacks pods", () => {
  expect(helpOf({ phase: "Incomplete", needs: { minAvailable: 4, have: 3, running: 0 } }, undefined)).toBe("1 more of its pods");
});

test("a gang that waits for its turn lacks nothing", () => {
  expect(helpOf(complete, undefined)).toBe("");
});
