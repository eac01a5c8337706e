import { describe, expect, test } from "vitest";
import { cellAt, type Group, heading, layOut, move } from "./layout";

const nodes = (count: number, domain: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => ({ name: `node-${i + 1}`, domain: domain(i) }));

/** 12 nodes in three racks, and one without a rack. */
const racks = [...nodes(12, (i) => `rack-${(i % 3) + 8}`), { name: "alone", domain: "" }];

describe("groups", () => {
  test("are in the order of their names, with numbers as numbers, and nodes without a domain come last", () => {
    expect(layOut(racks, 1000).groups.map((group) => group.name)).toEqual(["rack-8", "rack-9", "rack-10", ""]);
  });
  test("hold their nodes in the order of their names", () => {
    const layout = layOut(racks, 1000);
    const [first] = layout.groups;
    expect(layout.cells.slice(first?.from, first?.to).map((cell) => racks[cell.node]?.name)).toEqual([
      "node-1",
      "node-4",
      "node-7",
      "node-10",
    ]);
  });
  test("are beside each other as far as there is room, and never overlap", () => {
    const { groups } = layOut(
      nodes(5000, (i) => `r${i % 300}`),
      1200,
    );
    expect(new Set(groups.map((group) => group.y)).size).toBeLessThan(60);
    const apart = (a: Group, b: Group) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
    expect(groups.flatMap((a, i) => groups.slice(i + 1).filter((b) => !apart(a, b)))).toEqual([]);
  });
  test.each([320, 700, 1600])("stay within a width of %d", (width) => {
    for (const group of layOut(racks, width).groups) expect(group.x + group.width).toBeLessThanOrEqual(width);
  });
});

test("5,000 nodes of three zones are seen with little scrolling", () => {
  expect(
    layOut(
      nodes(5000, (i) => `zone-${i % 3}`),
      1200,
    ).height,
  ).toBeLessThan(1500);
});

test("more than 1,000 domains are one group, in their order", () => {
  const many = nodes(1200, (i) => `host-${1200 - i}`);
  const layout = layOut(many, 1200);
  expect(layout.groups).toHaveLength(1);
  expect(layout.cells[0]?.node).toBe(1199);
});

test("few nodes have their names above them, many do not", () => {
  expect(layOut(racks, 1000).size.name).toBeGreaterThan(0);
  expect(
    layOut(
      nodes(500, () => ""),
      1000,
    ).size.name,
  ).toBe(0);
});

test("no nodes need no room", () => {
  expect(layOut([], 1000)).toMatchObject({ height: 0, cells: [] });
});

describe("the cell at a point", () => {
  const layout = layOut(racks, 1000);
  test("is found for each cell, at its first and its last pixel", () => {
    const { width, name, bar } = layout.size;
    layout.cells.forEach((cell, i) => {
      expect(cellAt(layout, cell.x, cell.y)).toBe(i);
      expect(cellAt(layout, cell.x + width - 1, cell.y + name + bar - 1)).toBe(i);
    });
  });
  test("is none in a gap, in the name of a group, or outside", () => {
    expect(cellAt(layout, layout.size.width + 1, heading + 1)).toBe(-1);
    expect(cellAt(layout, 1, 1)).toBe(-1);
    expect(cellAt(layout, -5, 40)).toBe(-1);
    expect(cellAt(layout, 1, layout.height + 1)).toBe(-1);
  });
});

describe("keys", () => {
  const layout = layOut(
    nodes(40, (i) => (i < 20 ? "a" : "b")),
    400,
  );
  const columns = layout.groups[0]?.columns ?? 0;
  test("left and right go over all nodes, and stop at the ends", () => {
    expect([move(layout, 0, "ArrowRight"), move(layout, 1, "ArrowLeft"), move(layout, 0, "ArrowLeft")]).toEqual([1, 0, 0]);
    expect(move(layout, 39, "ArrowRight")).toBe(39);
  });
  test("down and up go to the row below and above, also into the next group", () => {
    expect(columns).toBe(2);
    expect(move(layout, 0, "ArrowDown")).toBe(2);
    expect(move(layout, 2, "ArrowUp")).toBe(0);
    expect(move(layout, 18, "ArrowDown")).toBe(20);
    expect(move(layout, 38, "ArrowDown")).toBe(38);
  });
  test("page up and page down go to the group before and after, home and end to the first and last node", () => {
    expect([move(layout, 5, "PageDown"), move(layout, 25, "PageUp"), move(layout, 25, "PageDown")]).toEqual([20, 0, 25]);
    expect([move(layout, 5, "Home"), move(layout, 5, "End")]).toEqual([0, 39]);
  });
  test("start at the first node, also when the node where the reader was is gone", () => {
    expect([move(layout, -1, "ArrowDown"), move(layout, 99, "ArrowDown")]).toEqual([0, 0]);
    expect(move(layOut([], 400), -1, "ArrowDown")).toBe(-1);
  });
});
