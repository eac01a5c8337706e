import { colourAt } from "../../state/colour";
import { palette } from "../../ui/palette";

const dashes: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [14, 4]];

/** The dashes of the line of a queue, by its place, so that lines differ by more than their colour. */
export function dashOf(place: number): number[] {
  return dashes[place % dashes.length] ?? [];
}

/** A piece of the line of a queue, for the legend. */
export function Sample({ place }: { place: number }) {
  return (
    <svg class="line" width="40" height="10" aria-hidden="true">
      <line
        x1="0"
        y1="5"
        x2="40"
        y2="5"
        stroke={colourAt(place, palette.value.lightness)}
        stroke-width="2.5"
        stroke-dasharray={dashOf(place).join(" ")}
      />
    </svg>
  );
}
