// Where the nodes are in the picture of the cluster: pure arithmetic, in CSS pixels.

export interface Size {
  /** The width of the bar of a node. */
  width: number;
  /** The height of the bar. */
  bar: number;
  /** The height of the line with the name of the node above the bar, 0 if there is no room for names. */
  name: number;
  gap: number;
}

export interface Group {
  /** The name of the domain, "" of nodes that have none. */
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
  columns: number;
  /** The cells of the group are those from `from` until before `to`. */
  from: number;
  to: number;
}

export interface Cell {
  /** The index of the node. */
  node: number;
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  size: Size;
  groups: Group[];
  /** In the order in which the keyboard goes over them. */
  cells: Cell[];
}

/** The height of the line with the name of a group. */
export const heading = 18;
const between = 14;
const least = 84; // so that the name of a group has room

// More nodes get smaller bars, so that 5,000 are seen without much scrolling.
const sizes: [number, Size][] = [
  [60, { width: 150, bar: 14, name: 16, gap: 8 }],
  [400, { width: 72, bar: 12, name: 0, gap: 4 }],
  [1500, { width: 44, bar: 9, name: 0, gap: 3 }],
  [Infinity, { width: 28, bar: 7, name: 0, gap: 2 }],
];

const names = new Intl.Collator("en", { numeric: true });

/** Lays out the nodes, grouped by domain, in rows of groups. Nodes without a domain are the last group. */
export function layOut(nodes: readonly { name: string; domain: string }[], width: number): Layout {
  const size = sizeFor(nodes.length);
  const most = Math.max(1, Math.floor((width + size.gap) / (size.width + size.gap)));
  const domains = merged(grouped(nodes));
  const layout: Layout = { width, height: 0, size, groups: [], cells: [] };
  let x = 0;
  let y = 0;
  let row = 0;
  for (const [name, members] of domains) {
    const columns = domains.length === 1 ? most : columnsFor(members.length, size, most);
    const wide = Math.max(Math.min(least, width), columns * (size.width + size.gap) - size.gap);
    const high = heading + Math.ceil(members.length / columns) * (size.name + size.bar + size.gap);
    if (x > 0 && x + wide > width) {
      x = 0;
      y += row + between;
      row = 0;
    }
    const from = layout.cells.length;
    members.forEach((node, i) => layout.cells.push({ node, ...placeOf(i, columns, size, x, y) }));
    layout.groups.push({ name, x, y, width: wide, height: high, columns, from, to: layout.cells.length });
    x += wide + between;
    row = Math.max(row, high);
  }
  layout.height = y + row;
  return layout;
}

function sizeFor(count: number): Size {
  const found = sizes.find(([upTo]) => count <= upTo);
  return found ? found[1] : { width: 28, bar: 7, name: 0, gap: 2 };
}

function grouped(nodes: readonly { name: string; domain: string }[]): [string, number[]][] {
  const domains = new Map<string, number[]>();
  nodes.forEach((node, i) => {
    const members = domains.get(node.domain);
    if (members) members.push(i);
    else domains.set(node.domain, [i]);
  });
  for (const members of domains.values()) members.sort((a, b) => names.compare(nodes[a]?.name ?? "", nodes[b]?.name ?? ""));
  return [...domains].sort(([a], [b]) => Number(a === "") - Number(b === "") || names.compare(a, b));
}

// Groups of one or two nodes each, such as those of kubernetes.io/hostname, have more names than anybody reads.
function merged(domains: [string, number[]][]): [string, number[]][] {
  return domains.length > 1000 ? [["", domains.flatMap(([, members]) => members)]] : domains;
}

// Groups are about three times as wide as high: several fit beside each other, and names have room.
function columnsFor(count: number, size: Size, most: number): number {
  const ratio = (size.name + size.bar + size.gap) / (size.width + size.gap);
  return Math.min(most, count, Math.max(1, Math.ceil(Math.sqrt(count * ratio * 3))));
}

function placeOf(i: number, columns: number, size: Size, x: number, y: number): { x: number; y: number } {
  return {
    x: x + (i % columns) * (size.width + size.gap),
    y: y + heading + Math.floor(i / columns) * (size.name + size.bar + size.gap),
  };
}

/** The index of the cell at a point, -1 if there is none. */
export function cellAt(layout: Layout, x: number, y: number): number {
  const { size } = layout;
  const group = layout.groups.find((g) => x >= g.x && x < g.x + g.width && y >= g.y + heading && y < g.y + g.height);
  if (!group) return -1;
  const column = Math.floor((x - group.x) / (size.width + size.gap));
  const row = Math.floor((y - group.y - heading) / (size.name + size.bar + size.gap));
  const index = group.from + row * group.columns + column;
  const cell = layout.cells[index];
  if (!cell || column >= group.columns || index >= group.to) return -1;
  return x < cell.x + size.width && y < cell.y + size.name + size.bar ? index : -1;
}

/** The cell to which a key leads from a cell; the same if there is none. Any cell may be asked for, also one that is gone. */
export function move(layout: Layout, from: number, key: string): number {
  const last = layout.cells.length - 1;
  if (from < 0 || from > last) return Math.min(0, last);
  switch (key) {
    case "ArrowLeft":
      return Math.max(0, from - 1);
    case "ArrowRight":
      return Math.min(last, from + 1);
    case "ArrowUp":
      return nearest(layout, from, -1);
    case "ArrowDown":
      return nearest(layout, from, 1);
    case "Home":
      return 0;
    case "End":
      return last;
    case "PageUp":
      return groupBeside(layout, from, -1);
    case "PageDown":
      return groupBeside(layout, from, 1);
  }
  return from;
}

// The next row counts most, then what is straight above or below.
function nearest(layout: Layout, from: number, direction: 1 | -1): number {
  const start = layout.cells[from];
  let best = from;
  let least = Infinity;
  layout.cells.forEach((cell, i) => {
    const down = start ? (cell.y - start.y) * direction : 0;
    if (!start || down <= 0) return;
    const far = down * 4 + Math.abs(cell.x - start.x);
    if (far < least) [best, least] = [i, far];
  });
  return best;
}

function groupBeside(layout: Layout, from: number, direction: 1 | -1): number {
  const here = layout.groups.findIndex((group) => from >= group.from && from < group.to);
  return layout.groups[here + direction]?.from ?? from;
}
