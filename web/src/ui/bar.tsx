/** A part of a bar. Its kind decides how it looks: capacity that is set aside is hatched. */
export interface BarPart {
  kind: "used" | "other" | "aside" | "free";
  amount: number;
  /** Instead of the colour of the kind. */
  colour?: string;
}

/** A mark on a bar. Each kind has its own form: the legend of the bars says which. */
export interface BarMark {
  kind: "guarantee" | "fair" | "limit";
  at: number;
}

/** A bar of parts of a whole, with marks. `text` says the same in words, for those who do not see it and as a tooltip. */
export function Bar({ parts, marks = [], total, text }: { parts: BarPart[]; marks?: BarMark[]; total: number; text: string }) {
  const place = (amount: number) => (total > 0 ? Math.min(100, (100 * amount) / total) : 0) + "%";
  return (
    <span class="bar" role="img" aria-label={text} title={text}>
      {parts
        .filter((part) => part.amount > 0)
        .map((part, i) => (
          <span
            key={i}
            class={"part " + part.kind}
            style={{ width: place(part.amount), ...(part.colour && { background: part.colour }) }}
          />
        ))}
      {marks.map((mark) => (
        <span key={mark.kind} class={"mark " + mark.kind} style={{ left: place(mark.at) }} />
      ))}
    </span>
  );
}
