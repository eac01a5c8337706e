import type { Nodes } from "../../api/types";
import type { Layout } from "../../state/layout";
import type { Node, Part } from "../../state/nodes";
import type { Palette } from "../../ui/palette";

/** All that the picture of the cluster shows. */
export interface Scene {
  answer: Nodes;
  layout: Layout;
  /** The parts of each node, by its index. */
  parts: Part[][];
  /** The colour of each gang, by its index. */
  colours: string[];
  palette: Palette;
  /** The index of the gang that stands out, -1 for none. */
  gang: number;
  /** The index of the cell at which the keyboard is, -1 for none. */
  current: number;
  /** The index of the node whose details are shown, -1 for none. */
  selected: number;
}

// More pixels than this cost memory, and the picture would not be drawn by some browsers.
const mostPixels = 16e6;

/** Draws the scene, as sharp as the screen is. */
export function draw(canvas: HTMLCanvasElement, scene: Scene): void {
  const { width, height } = scene.layout;
  const context = canvas.getContext("2d");
  if (!context || width <= 0 || height <= 0) return;
  const scale = Math.min(devicePixelRatio, Math.sqrt(mostPixels / (width * height)));
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  canvas.style.height = height + "px";
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = scene.palette.ground;
  context.fillRect(0, 0, width, height);
  drawGroups(context, scene);
  drawNodes(context, scene);
}

function drawGroups(context: CanvasRenderingContext2D, { layout, palette }: Scene): void {
  context.font = "600 12px system-ui, sans-serif";
  context.textBaseline = "top";
  context.fillStyle = palette.text;
  for (const group of layout.groups) {
    const name = group.name || (layout.groups.length > 1 ? "no domain" : "all nodes");
    drawText(context, `${name} · ${group.to - group.from}`, group.x, group.y + 2, group.width);
  }
}

function drawText(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number): void {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > width) shown = shown.slice(0, -2) + "…";
  context.fillText(shown, x, y);
}

function drawNodes(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, answer, palette, parts } = scene;
  const hatched = hatch(context, palette);
  context.font = "11px system-ui, sans-serif";
  for (let i = 0; i < layout.cells.length; i++) {
    const cell = layout.cells[i];
    const node = cell && answer.items[cell.node];
    if (!node) continue;
    const y = cell.y + layout.size.name;
    if (layout.size.name > 0) {
      context.fillStyle = palette.dim;
      drawText(context, node.name, cell.x, cell.y + 2, layout.size.width);
    }
    drawBar(context, scene, parts[cell.node] ?? [], cell.x, y, hatched);
    drawMarks(context, scene, node, cell.x, y);
    if (i === scene.current || cell.node === scene.selected) outline(context, scene, cell.x, y);
  }
}

function drawBar(
  context: CanvasRenderingContext2D,
  { layout, palette, colours, gang }: Scene,
  parts: Part[],
  x: number,
  y: number,
  hatched: CanvasPattern | string,
): void {
  const { width, bar } = layout.size;
  let total = 0;
  for (const part of parts) total += part.amount;
  if (total === 0) {
    // The node has nothing of the resource: an empty frame.
    context.strokeStyle = palette.line;
    context.lineWidth = 0.5;
    context.strokeRect(x + 0.5, y + 0.5, width - 1, bar - 1);
    return;
  }
  context.fillStyle = palette.free;
  context.fillRect(x, y, width, bar);
  let from = x;
  for (const part of parts) {
    const wide = (width * part.amount) / total;
    if (part.kind !== "free") {
      context.fillStyle = part.kind === "gang" ? (colours[part.gang] ?? palette.other) : part.kind === "other" ? palette.other : hatched;
      if (gang >= 0 && part.gang !== gang) context.globalAlpha = 0.22;
      // A gap keeps parts of the same colour apart, where there is room for one.
      context.fillRect(from, y, wide > 4 ? wide - 1 : wide, bar);
      context.globalAlpha = 1;
    }
    from += wide;
  }
}

/** A cross on a node that is not ready, a slash on one that is cordoned. */
function drawMarks(context: CanvasRenderingContext2D, { layout, palette }: Scene, node: Node, x: number, y: number): void {
  if (node.ready && !node.unschedulable) return;
  const { width, bar } = layout.size;
  for (const [colour, thick] of [
    [palette.ground, 4],
    [palette.bad, 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.beginPath();
    context.moveTo(x, y + bar);
    context.lineTo(x + width, y);
    if (!node.ready) {
      context.moveTo(x, y);
      context.lineTo(x + width, y + bar);
    }
    context.stroke();
  }
}

function outline(context: CanvasRenderingContext2D, { layout, palette }: Scene, x: number, y: number): void {
  context.strokeStyle = palette.focus;
  context.lineWidth = 2;
  context.strokeRect(x - 1, y - 1, layout.size.width + 2, layout.size.bar + 2);
}

/** The pattern of what is set aside, so that it is not told by its colour alone. */
function hatch(context: CanvasRenderingContext2D, palette: Palette): CanvasPattern | string {
  const side = 5;
  const tile = document.createElement("canvas");
  tile.width = tile.height = side;
  const on = tile.getContext("2d");
  if (!on) return palette.asideLine;
  on.fillStyle = palette.aside;
  on.fillRect(0, 0, side, side);
  on.strokeStyle = palette.asideLine;
  on.lineWidth = 1.5;
  on.beginPath();
  for (const shift of [-side, 0, side]) {
    on.moveTo(shift - 1, side + 1);
    on.lineTo(shift + side + 1, -1);
  }
  on.stroke();
  return context.createPattern(tile, "repeat") ?? palette.asideLine;
}
