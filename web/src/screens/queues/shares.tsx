import { signal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import type { About, History } from "../../api/types";
import { useAnswer } from "../../state/answer";
import { version } from "../../state/gangs";
import { percent } from "../../state/quantity";
import { filter } from "../../state/route";
import { extents, ofHistory, seen, type Shares as Values } from "../../state/seen";
import { Trouble } from "../../ui/states";
import { Chart } from "./chart";
import { Sample } from "./lines";

const never = signal(0);
// The history has a point for each minute.
const calm = 60_000;

/** The shares of the queues over time: as Prometheus has them, or else what was seen since the page was opened. */
export function Shares({ hours }: { hours: string }) {
  const about = useAnswer<About>("about", {}, never);
  if (about.value.loading) return <Section>Reading …</Section>;
  if (about.value.value?.prometheus) return <FromHistory hours={hours} />;
  return (
    <Section>
      <p>
        These are the shares since this page was opened: the server has no Prometheus to ask (<code>--prometheus</code>).
      </p>
      <Plot shares={seen.value} />
    </Section>
  );
}

function Section({ children }: { children: preact.ComponentChildren }) {
  return (
    <section>
      <h2>Shares over time</h2>
      {children}
    </section>
  );
}

const spans: [string, string][] = [
  ["1", "the last hour"],
  ["6", "the last 6 hours"],
  ["24", "the last day"],
  ["168", "the last week"],
];

function FromHistory({ hours }: { hours: string }) {
  const known = spans.some(([value]) => value === hours) ? hours : "6";
  const { value, problem } = useAnswer<History>("queues/history", { hours: known }, version, calm).value;
  const shares = useMemo(() => value && ofHistory(value), [value]);
  return (
    <Section>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Time{" "}
          <select value={known} onChange={(event) => filter("hours", event.currentTarget.value)}>
            {spans.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </form>
      {problem && <Trouble problem={problem}>{!shares && <Plot shares={seen.value} />}</Trouble>}
      {shares && <Plot shares={shares} />}
    </Section>
  );
}

function Plot({ shares }: { shares: Values }) {
  // The time at which the pointer is, as an index; the last one if it is not on the picture.
  const [at, setAt] = useState<number | undefined>();
  const all = useMemo(() => extents(shares), [shares]);
  const last = shares.times.length - 1;
  const index = at !== undefined && at <= last ? at : last;
  if (last < 1) return <p class="state">There is one point so far. The chart begins with the next change of the cluster.</p>;
  return (
    <>
      <Chart shares={shares} point={setAt} />
      <div class="scroll" tabIndex={0} role="group" aria-label="Shares of queues">
        <table>
          <caption>The dominant share of each queue</caption>
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col" class="number">
                {index === last ? "Last" : timeOf(shares.times[index] ?? 0)}
              </th>
              <th scope="col" class="number">
                Least
              </th>
              <th scope="col" class="number">
                Most
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((extent, i) => (
              <tr key={extent.queue}>
                <th scope="row">
                  <Sample place={i} /> {extent.queue}
                </th>
                <td class="number">{shareText(shares.queues.get(extent.queue)?.[index])}</td>
                <td class="number">{percent(extent.least, 1)}</td>
                <td class="number">{percent(extent.most, 1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function shareText(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : percent(share, 1);
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
