import type { Nodes } from "../../api/types";
import type { Layout } from "../../state/layout";
import { type Node, type Part, usable } from "../../state/nodes";
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
}

// More pixels than this cost memory, and the picture would not be drawn by some browsers.
const mostPixels = 16e6;

/** Draws the scene, as sharp as the screen is. */
export function draw(canvas: HTMLCanvasElement, scene: Scene): void {
  const { width, height } = scene.layout;
  const context = canvas.getContext("2d", { alpha: false });
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
  const needs = context.measureText(text).width;
  const fits = Math.max(1, Math.floor((text.length * width) / needs) - 1);
  context.fillText(needs > width ? text.slice(0, fits) + "…" : text, x, y);
}

function drawNodes(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, answer, palette } = scene;
  const { size, cells } = layout;
  if (size.name > 0) {
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = palette.dim;
    for (const cell of cells) drawText(context, answer.items[cell.node]?.name ?? "", cell.x, cell.y + 2, size.width);
  }
  for (const fill of fillsOf(scene, hatch(context, palette))) {
    context.fillStyle = fill.style;
    context.globalAlpha = fill.dim ? 0.22 : 1;
    for (let i = 0; i < fill.bars.length; i += 3)
      context.fillRect(fill.bars[i] ?? 0, fill.bars[i + 1] ?? 0, fill.bars[i + 2] ?? 0, fill.height);
  }
  context.globalAlpha = 1;
  for (const cell of cells) {
    const node = answer.items[cell.node];
    if (node && !usable(node)) drawMark(context, scene, node, cell.x, cell.y + size.name);
  }
}

/** What is filled with one style: x, y and width of each part. */
interface Fill {
  style: string | CanvasPattern;
  dim: boolean;
  height: number;
  bars: number[];
}

/** The parts of all bars, by their style: a change of the style of a canvas costs more than a rectangle. */
function fillsOf({ layout, parts, palette, colours, gang }: Scene, hatched: string | CanvasPattern): Fill[] {
  const { width, name, bar } = layout.size;
  const fill = (style: Fill["style"], dim = false, height = bar): Fill => ({ style, dim, height, bars: [] });
  const whole = fill(palette.free);
  // A node that has nothing of the resource is an empty frame: a rectangle with a smaller one in it.
  const frame = fill(palette.line);
  const hollow = fill(palette.ground, false, bar - 2);
  const others = fill(palette.other, gang >= 0);
  const aside = fill(hatched, gang >= 0);
  const gangs = new Map<string, Fill>();
  for (const cell of layout.cells) {
    const y = cell.y + name;
    const all = parts[cell.node] ?? [];
    let total = 0;
    for (const part of all) total += part.amount;
    if (total > 0) whole.bars.push(cell.x, y, width);
    else {
      frame.bars.push(cell.x, y, width);
      hollow.bars.push(cell.x + 1, y + 1, width - 2);
    }
    let from = cell.x;
    for (const part of all) {
      const end = from + (width * part.amount) / total;
      // Whole pixels are drawn faster, and a gap keeps parts of the same colour apart where there is room for one.
      const left = Math.round(from);
      const wide = Math.max(1, Math.round(end) - left);
      if (part.kind !== "free") fillFor(part).bars.push(left, y, wide > 4 ? wide - 1 : wide);
      from = end;
    }
  }
  return [whole, frame, hollow, others, aside, ...gangs.values()];

  function fillFor(part: Part): Fill {
    if (part.kind === "other") return others;
    if (part.kind === "aside") return aside;
    const style = colours[part.gang] ?? palette.other;
    const dim = gang >= 0 && part.gang !== gang;
    const key = style + dim;
    let found = gangs.get(key);
    if (!found) gangs.set(key, (found = fill(style, dim)));
    return found;
  }
}

/** A cross on a node that is not ready, a slash on one that is cordoned. */
function drawMark(context: CanvasRenderingContext2D, { layout, palette }: Scene, node: Node, x: number, y: number): void {
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

/** The pattern of what is set aside, so that it differs by more than its colour. */
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
