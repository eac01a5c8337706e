import { useMemo, useRef, useState } from "preact/hooks";
import { type Still, stillOf } from "./window";

interface Standstill<T> extends Still<T> {
  /** The id of the row that has the focus, or empty. */
  focused: string;
  /** The row with this id got the focus. */
  hold: (id: string) => void;
  /** The row with this id is to get the focus once it is drawn. */
  focus: (id: string) => void;
  /** The focus left the list, perhaps. */
  release: (event: FocusEvent) => void;
  /** Shows what changed. */
  refresh: () => void;
  /** The rows were drawn. */
  drawn: (body: HTMLElement | null) => void;
}

/** Keeps the rows of a list where they are for as long as one of them has the focus. */
export function useStandstill<T extends { id: string }>(rows: T[]): Standstill<T> {
  const [held, setHeld] = useState<T[]>();
  const focused = useRef("");
  const drawing = useRef(false);
  const still = useMemo(() => (held ? stillOf(held, rows) : { rows, gone: new Set<string>(), changes: 0 }), [held, rows]);
  drawing.current = true; // until the rows are in the document
  return {
    ...still,
    focused: focused.current,
    hold: (id) => {
      focused.current = id;
      setHeld((before) => before ?? rows);
    },
    focus: (id) => (focused.current = id),
    release: (event) => {
      // A row that is moved in the document loses the focus for a moment, and a window that goes to the back keeps its place.
      const body = event.currentTarget as HTMLElement;
      if (drawing.current || !document.hasFocus() || body.contains(event.relatedTarget as Node | null)) return;
      focused.current = "";
      setHeld(undefined);
    },
    refresh: () => {
      if (!rows.some((row) => row.id === focused.current)) {
        const place = still.rows.findIndex((row) => row.id === focused.current);
        focused.current = rows[Math.min(Math.max(0, place), rows.length - 1)]?.id ?? "";
      }
      setHeld(rows);
    },
    drawn: (body) => {
      if (focused.current !== "") {
        const link = body?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(focused.current)}"] a`);
        if (link && link !== document.activeElement) link.focus({ preventScroll: true });
      }
      drawing.current = false;
    },
  };
}
