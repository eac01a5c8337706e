import { expect, test } from "vitest";
import type { Story } from "../api/types";
import { shapeOf } from "./shape";

const gang = { needs: { minAvailable: 3, have: 4, running: 0 }, queue: "research" };
const ask = (cpu: string) => ({ pods: 4, requests: { cpu, "nvidia.com/gpu": "4" }, nodes: [] });

function story(...asks: ReturnType<typeof ask>[]): Story {
  return {
    apiVersion: "kubenexus.io/v1alpha1",
    kind: "Explanation",
    priority: 0,
    history: [],
    at: "2026-01-01T10:00:00Z",
    capacity: { waiting: 4, needed: 3, fit: 0, asks },
  };
}

test("the form gets what each pod asks for, and how many there are", () => {
  expect(shapeOf(gang, story(ask("2")))).toEqual({ replicas: "4", minAvailable: "3", cpu: "2", memory: "", gpu: "4", queue: "research" });
});

test("pods that ask for different things are no one form", () => {
  expect(shapeOf(gang, story(ask("2"), ask("4")))).toEqual({});
  expect(shapeOf(gang, undefined)).toEqual({});
});
