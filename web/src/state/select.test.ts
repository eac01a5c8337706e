import { expect, test } from "vitest";
import type { Gang } from "../api/types";
import { noQueue, selected, selectionOf, selects } from "./select";

const gang: Gang = {
  key: { namespace: "team-a", name: "Training-7", convention: "c" },
  phase: "Ready",
  scheduler: "s",
  created: "2026-01-01T10:00:00Z",
  needs: { minAvailable: 1, have: 1, running: 0 },
  priority: 0,
  pods: 1,
  nodes: 0,
  requests: {},
};

const sees = (query: string, queue?: string, reason?: string) => selected(selectionOf(new URLSearchParams(query)), gang, queue, reason);

test("without a filter all is seen", () => {
  expect(selects(selectionOf(new URLSearchParams("by=queue")))).toBe(false);
  expect(sees("")).toBe(true);
});

test("a namespace is meant exactly, words can be anywhere and in any case", () => {
  expect(sees("namespace=team-a")).toBe(true);
  expect(sees("namespace=team")).toBe(false);
  expect(sees("text=training+TEAM")).toBe(true);
  expect(sees("text=lack+gpu", "research", "2 lack nvidia.com/gpu")).toBe(true);
  expect(sees("text=training+product")).toBe(false);
  expect(sees("text=training+")).toBe(true);
});

test("gangs that name no queue can be selected", () => {
  expect(sees("queue=" + noQueue)).toBe(true);
  expect(sees("queue=" + noQueue, "research")).toBe(false);
  expect(sees("queue=research", "research")).toBe(true);
});
