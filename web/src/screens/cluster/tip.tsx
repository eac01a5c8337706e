import { useLayoutEffect, useRef } from "preact/hooks";

const most = 8;

/** What is under the pointer. The line below the picture says the same by keyboard. */
export function Tip({ x, y, title, lines }: { x: number; y: number; title: string; lines: string[] }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const tip = box.current;
    if (!tip) return;
    const left = Math.max(4, Math.min(x + 14, document.documentElement.clientWidth - tip.offsetWidth - 4));
    const below = y + 16;
    const top = below + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : below;
    tip.style.left = left + "px";
    tip.style.top = top + "px";
  });
  // The first lines are gangs; the last ones say what is free, of how much.
  const shown = lines.length > most ? [...lines.slice(0, most - 3), `and ${lines.length - most} more`, ...lines.slice(-3)] : lines;
  return (
    <div class="tip" ref={box} aria-hidden="true">
      <strong>{title}</strong>
      {shown.map((line, i) => (
        <div key={i}>{line}</div>
      ))}
    </div>
  );
}
