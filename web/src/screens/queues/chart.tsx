import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colourAt } from "../../state/colour";
import type { Shares } from "../../state/seen";
import { type Palette, palette } from "../../ui/palette";
import { dashOf } from "./lines";

const height = 240;

/** The shares as lines. The table below is its legend, and says the same in numbers. */
export function Chart({ shares, point }: { shares: Shares; point: (index: number | undefined) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const colours = palette.value;
  const names = [...shares.queues.keys()].join("\n");
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const made = new uPlot(options(element.clientWidth, [...shares.queues.keys()], colours, point), dataOf(shares), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // New values go into the same picture; other queues or colours need a new one.
  }, [names, colours, point]);
  useEffect(() => plot.current?.setData(dataOf(shares)), [shares]);
  return <div ref={box} class="shares" role="img" aria-label="The shares of the queues as lines. The table below says the same." />;
}

function dataOf(shares: Shares): uPlot.AlignedData {
  return [shares.times, ...shares.queues.values()];
}

function options(width: number, queues: string[], colours: Palette, point: (index: number | undefined) => void): uPlot.Options {
  const axis = { stroke: colours.text, grid: { stroke: colours.free, width: 1 }, ticks: { stroke: colours.line, width: 1 } };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, Math.max(0.1, Math.min(1, most * 1.1))] } },
    axes: [axis, { ...axis, values: (_, splits) => splits.map((share) => Math.round(share * 100) + "%") }],
    series: [
      {},
      ...queues.map((queue, i) => ({
        label: queue,
        stroke: colourAt(i, colours.lightness),
        width: 2,
        dash: dashOf(i),
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(made) => point(made.cursor.idx ?? undefined)] },
  };
}
