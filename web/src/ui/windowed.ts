import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Span, spanOf, spare } from "./window";

interface Windowed {
  span: Span;
  /** The height of a row, in pixels. */
  height: number;
  /** How many rows are in view. */
  page: number;
}

/** Rows that the reader sees, and how far down the first of them is in the page, so that they are in view after an update as well. */
interface Anchor {
  ids: string[];
  down: number;
}

// Where a row was not measured yet, it is probably as high as those of the last list.
let lastHeight = 64;

/** Follows which rows of a list are in view while the page scrolls, and keeps them in view when rows above them come or go. */
export function useWindow<T extends { id: string }>(body: RefObject<HTMLElement | null>, rows: T[], focused: string): Windowed {
  const [height, setHeight] = useState(lastHeight);
  const [span, setSpan] = useState<Span>({ from: 0, to: Math.min(rows.length, 2 * spare) });
  const anchor = useRef<Anchor | undefined>(undefined);
  const latest = useRef({ rows, height, focused });
  latest.current = { rows, height, focused };
  lastHeight = height;

  const look = () => {
    if (!body.current) return;
    const { rows, height, focused } = latest.current;
    const top = body.current.getBoundingClientRect().top;
    const next = spanOf(top, innerHeight, height, rows.length);
    setSpan((span) => (span.from === next.from && span.to === next.to ? span : next));
    anchor.current = anchorOf(rows, top, height, focused);
  };

  useLayoutEffect(() => {
    if (!body.current) return;
    const measured = body.current.querySelector("tr[data-id]")?.getBoundingClientRect().height;
    if (measured && Math.abs(measured - height) > 0.5) setHeight(measured);
    else if (anchor.current) {
      const index = indexOfAnchor(anchor.current.ids, rows);
      const moved = index < 0 ? 0 : body.current.getBoundingClientRect().top + scrollY + index * height - anchor.current.down;
      if (Math.abs(moved) > 1) scrollBy(0, moved);
    }
    look();
  }, [rows, height]);

  useEffect(() => {
    addEventListener("scroll", look, { passive: true });
    const resized = new ResizeObserver(() => {
      const measured = body.current?.querySelector("tr[data-id]")?.getBoundingClientRect().height;
      if (measured) setHeight((height) => (Math.abs(measured - height) > 0.5 ? measured : height));
      look();
    });
    resized.observe(document.documentElement);
    return () => {
      removeEventListener("scroll", look);
      resized.disconnect();
    };
  }, []);

  const limited = { from: Math.min(span.from, rows.length), to: Math.min(Math.max(span.to, 2 * spare), rows.length) };
  return {
    span: limited,
    height,

    page: Math.max(1, Math.floor(innerHeight / height) - 2),
  };
}

// Whoever looks at the first row wants to see what comes before it, so nothing is kept in its place then.
function anchorOf(rows: { id: string }[], top: number, height: number, focused: string): Anchor | undefined {
  const at = focused === "" ? -1 : rows.findIndex((row) => row.id === focused);
  if (at >= 0) return { ids: [focused], down: top + scrollY + at * height };
  if (top >= 0) return undefined;
  const first = Math.ceil(-top / height);
  const ids = rows.slice(first, first + 2 * spare).map((row) => row.id);
  return ids.length > 0 ? { ids, down: top + scrollY + first * height } : undefined;
}

function indexOfAnchor(ids: string[], rows: { id: string }[]): number {
  for (const id of ids) {
    const index = rows.findIndex((row) => row.id === id);
    if (index >= 0) return index;
  }
  return -1;
}
