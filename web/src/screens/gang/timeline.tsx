import { Fragment } from "preact";
import type { Story } from "../../api/types";
import { age } from "../../state/clock";
import { moment } from "../../ui/time";

type Moment = Story["history"][number];

/** After how many moments the story leaves some out. */
const first = 5;

/** What happened to a gang, the oldest first. */
export function Timeline({ story }: { story: Story }) {
  if (story.history.length === 0) return null;
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      <ol class="timeline">
        {story.history.map((happened, i) => (
          <Fragment key={i}>
            {i === first && story.forgotten && <li>… {story.forgotten} more moments</li>}
            <li>
              <When happened={happened} />
              <span>
                {happened.reason && <strong>{happened.reason}: </strong>}
                {happened.what}
                {often(happened)}
              </span>
            </li>
          </Fragment>
        ))}
      </ol>
    </section>
  );
}

function When({ happened: { at, until } }: { happened: Moment }) {
  const lasted = until !== undefined && Date.parse(until) - Date.parse(at) >= 1000;
  return (
    <span class="when">
      <time dateTime={at}>{age(at)}</time>
      {lasted && (
        <>
          {" to "}
          <time dateTime={until}>{age(until)}</time>
        </>
      )}{" "}
      ago
      <small>{moment(at)}</small>
    </span>
  );
}

function often({ pods, times }: Moment): string {
  const parts = [];
  if (pods && pods > 1) parts.push(`on ${pods} pods`);
  if (times && times > 1) parts.push(`${times} times`);
  return parts.length > 0 ? ` (${parts.join(", ")})` : "";
}
