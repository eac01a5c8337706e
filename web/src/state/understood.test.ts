import { expect, test } from "vitest";
import { factsOf, whereOf } from "./understood";

test("what the annotations do not say is left out", () => {
  expect(factsOf({})).toEqual([]);
});

test("where members have to be is one sentence", () => {
  expect(whereOf({ required: "zone", preferred: ["host", "rack"], spread: "row" })).toBe(
    "all members in one zone; better in one host, or else in one rack; spread evenly over row",
  );
  expect(whereOf({ sliceRequired: "rack", sliceSize: 4 })).toBe("each 4 members in one rack");
});

test("roles come with their names, and values with what they mean", () => {
  const facts = factsOf({
    roles: [{ name: "worker", topology: { required: "rack" } }],
    preemptible: false,
    expectedRuntime: "2h",
    restartPolicy: "whole-gang",
    scheduleTimeout: "10m",
  });
  expect(facts).toEqual([
    ["Where role worker may run", "all members in one rack"],
    ["Preemptible", "no: it starts only within the guarantee of its queue, and nobody preempts it"],
    ["Expected runtime", "2h"],
    ["If it loses members", "whole-gang: the rest is evicted, so that all start together again"],
    ["Warns if it waits", "longer than 10m"],
  ]);
});

test("a value of a newer server is shown as it is", () => {
  expect(factsOf({ placement: "scatter" })).toEqual([["Placement", "scatter"]]);
});
