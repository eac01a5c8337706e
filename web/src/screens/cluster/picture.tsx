import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Nodes } from "../../api/types";
import { colourOf } from "../../state/colour";
import { cellAt, type Layout, layOut, move } from "../../state/layout";
import { domainOf, gangName, linesOf, partAt, partsOf, troubleOf } from "../../state/nodes";
import { filter, to } from "../../state/route";
import { palette } from "../../ui/palette";
import { draw } from "./draw";
import { Tip } from "./tip";

/** The element that has the focus while the keyboard goes over the nodes. */
export const pictureID = "picture";

interface Props {
  answer: Nodes;
  /** Indexes into the answer; -1 for no key, no gang, no node. */
  resource: number;
  by: number;
  gang: number;
  selected: number;
}

const keys = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

/** The cluster as a picture: each node a bar of who uses the resource. */
export function Picture({ answer, resource, by, gang, selected }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const width = useWidth(sheet);
  const [current, setCurrent] = useState(-1);
  const [hover, setHover] = useState<{ cell: number; x: number; y: number } | undefined>();
  const colours = palette.value;
  const layout = useMemo(
    () =>
      layOut(
        answer.items.map((node) => ({ name: node.name, domain: domainOf(node, by) })),
        width,
      ),
    [answer, by, width],
  );
  const parts = useMemo(() => answer.items.map((node) => partsOf(node, resource)), [answer, resource]);
  const gangs = useMemo(() => answer.gangs.map((_, i) => colourOf(gangName(answer, i), colours.lightness)), [answer, colours]);
  useLayoutEffect(() => {
    if (canvas.current) draw(canvas.current, { answer, layout, parts, colours: gangs, palette: colours, gang });
  }, [answer, layout, parts, gangs, colours, gang]);

  const shown = useMemo(() => (selected < 0 ? -1 : layout.cells.findIndex((cell) => cell.node === selected)), [layout, selected]);
  // A node that a link or a search leads to may be far down.
  useEffect(() => {
    if (shown >= 0) intoView(frame.current, layout.cells[shown]?.y ?? 0);
  }, [shown]);

  const nodeAt = (cell: number) => answer.items[layout.cells[cell]?.node ?? -1];
  const words = (cell: number) => {
    const node = nodeAt(cell);
    if (!node) return undefined;
    const about = [domainOf(node, by), troubleOf(node)].filter((word) => word !== "");
    return { title: [node.name, ...about].join(", "), lines: linesOf(answer, node, resource) };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (keys.has(event.key)) {
      event.preventDefault();
      const next = move(layout, current, event.key);
      setCurrent(next);
      intoView(frame.current, layout.cells[next]?.y ?? 0);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const node = nodeAt(current);
      if (node) filter("node", node.name);
    } else if (event.key === "Escape") setHover(undefined);
  };
  const at = (event: MouseEvent) => cellAt(layout, event.offsetX, event.offsetY);
  const onClick = (event: MouseEvent) => {
    const cell = at(event);
    const node = nodeAt(cell);
    if (!node) return;
    setCurrent(cell);
    const place = (event.offsetX - (layout.cells[cell]?.x ?? 0)) / layout.size.width;
    const part = partAt(parts[layout.cells[cell]?.node ?? -1] ?? [], place);
    const found = part?.kind === "gang" ? answer.gangs[part.gang] : undefined;
    // A finger does not see the tooltip first, and is too large for a part of a bar.
    const touched = event instanceof PointerEvent && event.pointerType === "touch";
    if (found && !touched) location.hash = to("gangs", [found.namespace, found.name]);
    else filter("node", node.name);
  };
  const said = words(current);
  const tip = hover && words(hover.cell);
  return (
    <>
      <div class="picture" ref={frame} onScroll={() => setHover(undefined)}>
        <div class="sheet" ref={sheet}>
          <canvas
            ref={canvas}
            id={pictureID}
            role="application"
            aria-label={`Picture of ${answer.items.length} nodes. The tables below say the same.`}
            aria-describedby="picture-keys"
            tabIndex={0}
            onKeyDown={onKeyDown}
            onFocus={() => current < 0 && canvas.current?.matches(":focus-visible") && setCurrent(Math.min(0, layout.cells.length - 1))}
            onMouseMove={(event) => {
              const cell = at(event);
              setHover(cell < 0 ? undefined : { cell, x: event.clientX, y: event.clientY });
            }}
            onMouseLeave={() => setHover(undefined)}
            onClick={onClick}
          />
          <Ring layout={layout} cell={current} kind="at" />
          <Ring layout={layout} cell={shown} kind="shown" />
        </div>
      </div>
      {hover && tip && <Tip x={hover.x} y={hover.y} {...tip} />}
      <p id="picture-keys" class="dim">
        Click a gang in a bar to open it, and a free part to see the node. By keyboard: arrow keys go from node to node, Page Up and Page
        Down from domain to domain, Enter shows the node.
      </p>
      <p class="current" role="status">
        {said && `${said.title}: ${said.lines.join("; ")}`}
      </p>
    </>
  );
}

/** A frame around a node, so that the picture is not drawn again for each step of the keyboard. */
function Ring({ layout, cell, kind }: { layout: Layout; cell: number; kind: "at" | "shown" }) {
  const found = layout.cells[cell];
  if (!found) return null;
  const { width, name, bar } = layout.size;
  const place = { left: found.x + "px", top: found.y + name + "px", width: width + "px", height: bar + "px" };
  return <span class={"ring " + kind} style={place} aria-hidden="true" />;
}

/** The width that the picture has, as it changes. */
function useWidth(frame: { current: HTMLDivElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const box = frame.current;
    if (!box) return undefined;
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    observer.observe(box);
    return () => observer.disconnect();
  }, [frame]);
  return width;
}

function intoView(box: HTMLDivElement | null, y: number): void {
  if (!box) return;
  if (y < box.scrollTop) box.scrollTop = Math.max(0, y - 20);
  else if (y > box.scrollTop + box.clientHeight - 30) box.scrollTop = y - box.clientHeight + 60;
}
