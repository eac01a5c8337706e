import { describe, expect, test } from "vitest";
import type { Queue, Queues } from "../api/types";
import { borrowings, dominantResource } from "./borrow";

const gpu = "nvidia.com/gpu";
const capacity = { cpu: "1152", [gpu]: "96" };

interface Amounts {
  uses?: number;
  fair?: number;
  guarantee?: number;
}

const queue = (name: string, { uses = 0, fair = 0, guarantee }: Amounts, parent = ""): Queue => ({
  name,
  parent,
  depth: parent ? 1 : 0,
  weight: 1,
  share: uses / 96,
  waiting: 0,
  uses: { [gpu]: String(uses) },
  fairShare: { [gpu]: String(fair) },
  ...(guarantee === undefined ? {} : { guarantee: { [gpu]: String(guarantee) } }),
});
const sentences = (...items: Queue[]) => borrowings({ items, capacity }).map((borrowing) => borrowing.sentence);

describe("above the fair share", () => {
  // The worked example of docs/concepts/queues.md.
  test("a queue borrows from the one that has less than its own", () => {
    expect(
      sentences(
        queue("research", { uses: 48, fair: 48, guarantee: 32 }),
        queue("product", { uses: 16, fair: 24, guarantee: 16 }),
        queue("data", { uses: 32, fair: 24, guarantee: 16 }),
      ),
    ).toEqual(["data borrows 8 nvidia.com/gpu (it uses 32, and its fair share is 24) from product, which uses 8 less than its own."]);
  });
  test("several that have less are named, the one with the least first", () => {
    expect(sentences(queue("a", { uses: 40, fair: 10 }), queue("b", { fair: 10 }), queue("c", { uses: 4, fair: 24 }))).toEqual([
      "a borrows 30 nvidia.com/gpu (it uses 40, and its fair share is 10) from c and b, which use 20 and 10 less than theirs.",
    ]);
  });
  test("nobody is named if nobody has less", () => {
    expect(sentences(queue("a", { uses: 40, fair: 10 }), queue("b", { uses: 10, fair: 10 }))).toEqual([
      "a uses 40 nvidia.com/gpu, 30 more than its fair share; no queue beside it uses less than its own.",
    ]);
  });
  test("a queue of which the API names no fair share has one of 0", () => {
    expect(sentences({ ...queue("a", { uses: 8 }), fairShare: {} }, queue("b", { fair: 8 }))).toEqual([
      "a borrows 8 nvidia.com/gpu (it uses 8, and its fair share is 0) from b, which uses 8 less than its own.",
    ]);
  });
  test("only queues with the same parent lend", () => {
    const items = [queue("top", { uses: 40, fair: 40 }), queue("nlp", { uses: 30, fair: 20 }, "top"), queue("other", { fair: 20 })];
    expect(sentences(...items)).toEqual([
      "nlp uses 30 nvidia.com/gpu, 10 more than its fair share; no queue beside it uses less than its own.",
    ]);
  });
});

describe("within the fair share, but above the guarantee", () => {
  test("a queue borrows what others do not use of their guarantee, and no more", () => {
    expect(sentences(queue("a", { uses: 80, fair: 80, guarantee: 16 }), queue("b", { uses: 4, fair: 4, guarantee: 32 }))).toEqual([
      "a borrows 28 nvidia.com/gpu (it uses 80, and its guarantee is 16) from b, which uses 28 less than its own.",
    ]);
  });
  test("a queue does not borrow if the others use their guarantees", () => {
    expect(sentences(queue("a", { uses: 60, fair: 60, guarantee: 16 }), queue("b", { uses: 32, fair: 36, guarantee: 32 }))).toEqual([]);
  });
});

test("nobody borrows within fair share and guarantee, nor where there are no queues", () => {
  expect(sentences(queue("a", { uses: 10, fair: 10, guarantee: 16 }), queue("b", { uses: 20, fair: 30 }))).toEqual([]);
  expect(borrowings({ items: [] })).toEqual([]);
});

describe("of several resources", () => {
  const both: Queues = {
    capacity,
    items: [
      { ...queue("a", { uses: 20, fair: 10 }), uses: { [gpu]: "20", cpu: "600" }, fairShare: { [gpu]: "10", cpu: "12" } },
      { ...queue("b", {}), fairShare: { [gpu]: "86", cpu: "1000" } },
    ],
  };
  test("the one counts of which the largest part of the cluster is borrowed", () => {
    expect(borrowings(both).map(({ resource, amount }) => [resource, amount])).toEqual([["cpu", 588]]);
  });
  test("the one counts that the reader chose", () => {
    expect(borrowings(both, gpu).map(({ resource, amount }) => [resource, amount])).toEqual([[gpu, 10]]);
  });
});

describe("the dominant resource", () => {
  test("is the one of which the queue uses the largest part of the cluster", () => {
    expect(dominantResource({ ...queue("a", {}), uses: { [gpu]: "24", cpu: "1000" } }, capacity)).toBe("cpu");
    expect(dominantResource({ ...queue("a", {}), uses: { [gpu]: "90", cpu: "1000" } }, capacity)).toBe(gpu);
  });
  test("of a queue that uses nothing is the one that it is promised", () => {
    expect(dominantResource(queue("a", { guarantee: 8 }), capacity)).toBe(gpu);
    expect(dominantResource(queue("a", {}), capacity)).toBe("cpu");
  });
});
