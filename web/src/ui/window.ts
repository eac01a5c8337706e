/** Rows from one, up to but without another. */
export interface Span {
  from: number;
  to: number;
}

/** How many rows are kept ready above and below those that are in view. */
export const spare = 12;

/**
 * The rows to draw of a long list. It changes only every few rows, so that not each pixel of scrolling draws the list again.
 *
 * @param top where the first row begins, in pixels below the upper edge of the view; negative once the reader has scrolled past it
 * @param view the height of the view
 * @param row the height of a row
 */
export function spanOf(top: number, view: number, row: number, count: number): Span {
  const first = Math.floor(-top / row / spare) * spare;
  const last = Math.ceil((view - top) / row / spare) * spare;
  const from = Math.min(Math.max(0, first - spare), count);
  return { from, to: Math.max(from, Math.min(count, last + spare)) };
}

/** A part of a long list: a row, by its index, or the space of rows that are not drawn. */
export type Piece = { row: number } | { space: number };

/** Cuts a list into pieces. The row that has the focus is always drawn: without it, the focus would be lost when it leaves the view. */
export function piecesOf(span: Span, count: number, focused = -1): Piece[] {
  const drawn: number[] = [];
  for (let i = span.from; i < span.to; i++) drawn.push(i);
  if (focused >= 0 && focused < count && focused < span.from) drawn.unshift(focused);
  if (focused >= 0 && focused < count && focused >= span.to) drawn.push(focused);
  const pieces: Piece[] = [];
  let next = 0;
  for (const row of drawn) {
    if (row > next) pieces.push({ space: row - next });
    pieces.push({ row });
    next = row + 1;
  }
  if (next < count) pieces.push({ space: count - next });
  return pieces;
}

/** A list that stands still: the rows that it had, each as it is now. */
export interface Still<T> {
  rows: T[];
  /** The rows that the list no longer has. */
  gone: Set<string>;
  /** How many rows came, left or changed their place. */
  changes: number;
}

/** Keeps the rows of a list where they were. */
export function stillOf<T extends { id: string }>(before: T[], now: T[]): Still<T> {
  const latest = new Map(now.map((row) => [row.id, row]));
  const gone = new Set<string>();
  const rows = before.map((row) => {
    const current = latest.get(row.id);
    if (!current) gone.add(row.id);
    return current ?? row;
  });
  const kept = before.filter((row) => !gone.has(row.id));
  const old = new Set(kept.map((row) => row.id));
  const came = now.filter((row) => !old.has(row.id)).length;
  const moved = now.filter((row) => old.has(row.id)).filter((row, i) => row.id !== kept[i]?.id).length;
  return { rows, gone, changes: gone.size + came + moved };
}
