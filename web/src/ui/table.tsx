import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import "../styles/table.css";
import { Row } from "./row";
import { useStandstill } from "./standstill";
import { piecesOf, spare } from "./window";
import { useWindow } from "./windowed";

export interface Column<T> {
  name: string;
  /** A class of its cells. */
  class?: string;
  /** Whether it names the row. */
  header?: boolean;
  show: (row: T) => ComponentChildren;
}

interface Props<T> {
  caption: ComponentChildren;
  rows: T[];
  columns: Column<T>[];
  /** A class of the table, whose rows all have the same height. */
  class: string;
}

/**
 * A list of any length. Only the rows in view are in the document. Besides Tab, the arrow keys lead from link to link, and while the focus is in the
 * list, no update moves its rows. Roles are written out, because narrow screens show rows as cards, and a browser may then see no table.
 */
export function Table<T extends { id: string }>({ caption, rows, columns, class: of }: Props<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const still = useStandstill(rows);
  const shown = still.rows;
  const [active, setActive] = useState("");
  const found = active === "" ? -1 : shown.findIndex((row) => row.id === active);
  const view = useWindow(body, shown, still.focused);
  const after = useRef<HTMLParagraphElement>(null);
  const scroll = useRef(false);

  useLayoutEffect(() => {
    still.drawn(body.current);
    if (!scroll.current) return;
    scroll.current = false;
    document.activeElement?.scrollIntoView({ block: "nearest" });
  });

  const move = (event: KeyboardEvent) => {
    if (event.key === "Escape") return still.refresh();
    const next = target(event.key, found, view.page, shown.length);
    if (next === undefined) return;
    event.preventDefault();
    const id = shown[next]?.id ?? "";
    if (id === active) return;
    scroll.current = true;
    still.focus(id);
    setActive(id);
  };

  return (
    <>
      {shown.length > 2 * spare && (
        <p class="skip-list">
          <a class="skip" href={location.hash} onClick={(event) => (event.preventDefault(), after.current?.focus())}>
            Skip this list
          </a>
        </p>
      )}
      <table class={"list " + of} role="table" aria-rowcount={shown.length + 1}>
        <caption>
          {caption}
          <span class="hidden">. The arrow keys, Page Up, Page Down, Home and End lead from row to row.</span>
        </caption>
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            {columns.map((column) => (
              <th key={column.name} scope="col" role="columnheader" class={column.class}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody
          ref={body}
          role="rowgroup"
          onKeyDown={move}
          onFocusIn={(event) => {
            const id = event.target instanceof Element ? event.target.closest("tr")?.dataset["id"] : undefined;
            if (id === undefined) return;
            still.hold(id);
            setActive(id);
          }}
          onFocusOut={still.release}
        >
          {piecesOf(view.span, shown.length, found).map((piece, i) => {
            if ("space" in piece) return <Space key={"space " + i} rows={piece.space} height={view.height} columns={columns.length} />;
            const row = shown[piece.row];
            if (!row) return null;
            return <Row key={row.id} row={row} columns={columns} index={piece.row} gone={still.gone.has(row.id)} />;
          })}
        </tbody>
      </table>
      <p class="standstill" role="status" ref={after} tabIndex={-1}>
        {still.changes > 0 && "The list stands still while you are in it. Escape shows what changed."}
      </p>
    </>
  );
}

function Space({ rows, height, columns }: { rows: number; height: number; columns: number }) {
  return (
    <tr aria-hidden="true" class="space" style={{ height: rows * height + "px" }}>
      <td colSpan={columns} />
    </tr>
  );
}

/** The row to which a key leads. */
function target(key: string, from: number, page: number, count: number): number | undefined {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count };
  const step = steps[key];
  return step === undefined || count === 0 ? undefined : Math.min(count - 1, Math.max(0, from + step));
}
