import { beforeAll, expect, test, vi } from "vitest";
import type { Gang, Order } from "../api/types";

// The session, which the stream of gangs reads, keeps its token in the browser.
vi.stubGlobal("sessionStorage", { getItem: () => null });
vi.stubGlobal("document", { hidden: false });
let line: typeof import("./line");
beforeAll(async () => {
  line = await import("./line");
});

const key = (name: string) => ({ namespace: "team-a", name, convention: "scheduler-plugins" });

function gang(name: string, more: Partial<Gang> = {}): Gang {
  const needs = { minAvailable: 2, have: 2, running: 0 };
  return {
    key: key(name),
    phase: "Ready",
    scheduler: "s",
    created: "2026-01-01T10:00:00Z",
    needs,
    priority: 0,
    pods: 2,
    nodes: 0,
    requests: {},
    ...more,
  };
}

function order(...names: string[]): Order {
  return { at: "2026-01-01T12:00:00Z", items: names.map((name, position) => ({ key: key(name), queue: "research", position })) };
}

function lineUp(all: Gang[], said: Order | undefined) {
  return line.lineUp(
    all.map((gang) => [`team-a/${gang.key.name}/scheduler-plugins/`, gang]),
    said,
  );
}

const names = (waiting: { gang: Gang }[]) => waiting.map((w) => w.gang.key.name);

test("gangs that wait are in the scheduler's order, whatever their age", () => {
  const all = [gang("old"), gang("young", { created: "2026-01-01T11:00:00Z" })];
  expect(names(lineUp(all, order("young", "old")))).toEqual(["young", "old"]);
});

test("gangs that run are not in the line", () => {
  const all = [
    gang("a", { phase: "Running" }),
    gang("b"),
    gang("c", { phase: "Unbound", needs: { minAvailable: 0, have: 1, running: 1 } }),
  ];
  expect(names(lineUp(all, undefined))).toEqual(["b"]);
});

test("without the scheduler's order the higher priority goes first, then the older gang", () => {
  const all = [
    gang("young", { created: "2026-01-01T11:00:00+02:00" }), // 9:00 UTC: the older one
    gang("old", { created: "2026-01-01T10:00:00Z" }),
    gang("urgent", { created: "2026-01-01T12:00:00Z", priority: 10 }),
  ];
  expect(names(lineUp(all, undefined))).toEqual(["urgent", "young", "old"]);
  expect(lineUp(all, undefined).map((w) => w.place)).toEqual([1, 2, 3]);
});

test("a gang that the scheduler does not have in its line comes last, without a place", () => {
  const all = [gang("incomplete", { phase: "Incomplete", priority: 100 }), gang("ready")];
  const waiting = lineUp(all, order("ready"));
  expect(waiting.map((w) => [w.gang.key.name, w.place])).toEqual([
    ["ready", 1],
    ["incomplete", undefined],
  ]);
});

test("places have no gaps when a gang of the order is gone", () => {
  expect(lineUp([gang("b")], order("a", "b")).map((w) => w.place)).toEqual([1]);
});

test("what the scheduler says of a gang comes before what its pods say", () => {
  const said = order("a");
  Object.assign(said.items[0]!, { reason: "2 lack cpu", setAside: { held: 1, of: 2 } });
  const [first] = lineUp([gang("a", { queue: "other", reason: "earlier" })], said);
  expect(first).toMatchObject({ queue: "research", position: 0, reason: "2 lack cpu", setAside: { held: 1, of: 2 } });
});

test("before a gang are those of its queue with an earlier place", () => {
  const said = order("a", "b", "c");
  said.items[1]!.queue = "product";
  const waiting = lineUp([gang("a"), gang("b"), gang("c"), gang("d", { queue: "research" })], said);
  expect(names(line.before(waiting, waiting[2]!))).toEqual(["a"]);
  expect(line.before(waiting, waiting[0]!)).toEqual([]);
});
