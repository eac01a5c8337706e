import { describe, expect, test } from "vitest";
import type { Queues } from "../api/types";
import { add, extents, noShares, ofHistory, type Shares } from "./seen";

const answer = (shares: Record<string, number>): Queues => ({
  items: Object.entries(shares).map(([name, share]) => ({ name, share, depth: 0, weight: 1, waiting: 0 })),
});

describe("what is seen of the queues", () => {
  test("grows with each answer, and a queue that is not there has no share", () => {
    let shares = add(noShares(), answer({ a: 0.5 }), 100);
    shares = add(shares, answer({ a: 0.25, b: 0.75 }), 105);
    shares = add(shares, answer({ b: 1 }), 110);
    expect(shares.times).toEqual([100, 105, 110]);
    expect(shares.queues.get("a")).toEqual([0.5, 0.25, null]);
    expect(shares.queues.get("b")).toEqual([null, 0.75, 1]);
  });
  test("has each time once", () => {
    const once = add(noShares(), answer({ a: 0.5 }), 100);
    expect(add(once, answer({ a: 0.6 }), 100)).toBe(once);
  });
  test("is thinned out when there are 2,000 times, and still begins where the page was opened", () => {
    let shares: Shares = noShares();
    for (let at = 1; at <= 2001; at++) shares = add(shares, answer({ a: at }), at);
    expect(shares.times).toHaveLength(1001);
    expect([shares.times[0], shares.times[1], shares.times.at(-1)]).toEqual([1, 3, 2001]);
    expect(shares.queues.get("a")).toEqual(shares.times);
  });
});

test("series of Prometheus are put on one axis of time, with gaps where one has no point", () => {
  const shares = ofHistory({
    step: 60,
    series: [
      {
        queue: "a",
        points: [
          [60, 0.1],
          [120, 0.2],
        ],
      },
      {
        queue: "b",
        points: [
          [120, 0.5],
          [180, 0.6],
        ],
      },
    ],
  });
  expect(shares.times).toEqual([60, 120, 180]);
  expect(shares.queues.get("a")).toEqual([0.1, 0.2, null]);
  expect(shares.queues.get("b")).toEqual([null, 0.5, 0.6]);
});

test("each queue is summed up by its last share, the smallest and the largest", () => {
  let shares = add(noShares(), answer({ a: 0.5 }), 1);
  shares = add(shares, answer({ a: 0.1 }), 2);
  expect(extents(add(shares, answer({ b: 1 }), 3))).toEqual([
    { queue: "a", last: 0.1, least: 0.1, most: 0.5 },
    { queue: "b", last: 1, least: 1, most: 1 },
  ]);
});
