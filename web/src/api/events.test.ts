import { describe, expect, test, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null });

const { Parser, stream } = await import("./events");

describe("a stream of events", () => {
  test("has events that are read when they are complete", () => {
    const parser = new Parser();
    expect(parser.add("event: gang\nda")).toEqual([]);
    expect(parser.add('ta: {"a":1}\n\nid: 7\nevent: gone\ndata: {}\n\n')).toEqual([
      { name: "gang", data: '{"a":1}', id: "" },
      { name: "gone", data: "{}", id: "7" },
    ]);
  });

  test("has comments, which say only that the connection is alive", () => {
    expect(new Parser().add(": heartbeat\n\n: watching\n\n")).toEqual([]);
  });

  test("has data of several lines", () => {
    expect(new Parser().add("data: a\ndata: b\n\n")).toEqual([{ name: "message", data: "a\nb", id: "" }]);
  });
});

test("a large stream is taken in handfuls, so that there is time for other things between them", async () => {
  vi.stubGlobal("fetch", async () => new Response("data: 1\n\n".repeat(120)));
  const took: number[] = [];
  await stream("watch", {}, "", new AbortController().signal, { opened: () => took.push(0), took: (events) => took.push(events.length) });
  expect(took).toEqual([0, 50, 50, 20]);
});
