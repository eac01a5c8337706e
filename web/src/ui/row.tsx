import { memo } from "preact/compat";
import { sameParts } from "./same";
import type { Column } from "./table";

interface Props<T> {
  row: T;
  columns: Column<T>[];
  /** Its place in the list, from 0. */
  index: number;
  /** Whether the list has it no longer. */
  gone: boolean;
}

/** A row of a list. With each change of the list most rows say what they said before, so they are drawn again only if they say something else. */
export const Row = memo(
  <T extends { id: string }>({ row, columns, index, gone }: Props<T>) => (
    <tr data-id={row.id} role="row" aria-rowindex={index + 2} class={gone ? "gone" : undefined}>
      {columns.map((column) => {
        const content = (
          <div class="cell">
            {gone && column.header && <span class="hidden">No longer in the list: </span>}
            {column.show(row)}
          </div>
        );
        return column.header ? (
          <th key={column.name} scope="row" role="rowheader" class={column.class} data-name={column.name}>
            {content}
          </th>
        ) : (
          <td key={column.name} role="cell" class={column.class} data-name={column.name}>
            {content}
          </td>
        );
      })}
    </tr>
  ),
  (before, after) =>
    before.index === after.index && before.gone === after.gone && before.columns === after.columns && sameParts(before.row, after.row),
) as <T extends { id: string }>(props: Props<T>) => preact.JSX.Element;
