import type { GangDetails, Story } from "../../api/types";
import { before, useLine, type Waiting } from "../../state/line";
import { to } from "../../state/route";
import { setAsideText } from "../../ui/aside";
import { until } from "../../ui/time";

/** How many of the gangs before it are listed. */
const most = 10;

interface Props {
  gang: Pick<GangDetails, "key" | "reason" | "setAside" | "nextTry" | "position">;
  story: Story | undefined;
  waits: boolean;
  gone: boolean;
}

/** Why a gang waits, what would help, when it may start, and who goes first. */
export function Waits({ gang, story, waits, gone }: Props) {
  const why = story?.why || gang.reason;
  const help = story?.help ?? [];
  if (!waits && !why && help.length === 0) return null;
  return (
    <>
      <section aria-labelledby="why">
        <h2 id="why">{gone ? "Why it waited" : "Why it waits"}</h2>
        <p class="why">{why || (story ? "The scheduler has not said why yet." : "Reading …")}</p>
        {waits && gang.setAside && <p>{setAsideText(gang.setAside)}.</p>}
        {waits && gang.nextTry && until(gang.nextTry) !== "now" && (
          <p class="note">The scheduler tries it again in {until(gang.nextTry)} at the latest, or when something changes that may help.</p>
        )}
      </section>
      {help.length > 0 && (
        <section aria-labelledby="help">
          <h2 id="help">{help.length === 1 ? "What would help" : "What would help, any of it"}</h2>
          <ul>
            {help.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </section>
      )}
      {waits && <Before gang={gang} />}
    </>
  );
}

function Before({ gang }: Pick<Props, "gang">) {
  const { waiting, note } = useLine();
  const self = waiting.find((row) => row.gang.key.name === gang.key.name && row.gang.key.namespace === gang.key.namespace);
  return (
    <section aria-labelledby="before">
      <h2 id="before">Before it</h2>
      {self ? (
        <Ahead waiting={waiting} self={self} position={self.position ?? gang.position ?? 0} />
      ) : (
        <p>The line does not show this gang yet.</p>
      )}
      {note && <p class="note">{note}</p>}
    </section>
  );
}

function Ahead({ waiting, self, position }: { waiting: Waiting[]; self: Waiting; position: number }) {
  const queue = self.queue === undefined ? "its queue" : `queue ${self.queue}`;
  if (self.place === undefined) return <p>It is not in the line of the scheduler: it has to be complete first.</p>;
  const ahead = before(waiting, self);
  const count = Math.max(ahead.length, position);
  const overall = `It has place ${self.place} among all gangs that wait here.`;
  if (count === 0) {
    return (
      <p>
        It goes first in {queue}. {overall}
      </p>
    );
  }
  const listed = ahead.slice(0, most);
  return (
    <>
      <p>
        {count === 1 ? "1 gang goes" : `${count} gangs go`} first in {queue}. {overall}
      </p>
      <ol>
        {listed.map(({ id, gang }) => (
          <li key={id}>
            <a href={to("gangs", [gang.key.namespace, gang.key.name])}>{gang.key.name}</a> in namespace {gang.key.namespace}, priority{" "}
            {gang.priority}
          </li>
        ))}
      </ol>
      {count > listed.length && (
        <p>
          And {count - listed.length} more.
          {ahead.length > listed.length && self.queue && (
            <>
              {" "}
              <a href={to("work", [], { queue: self.queue, state: "waits" })}>See all of {queue}</a>
            </>
          )}
          {count > ahead.length && ` You see ${ahead.length} of them.`}
        </p>
      )}
    </>
  );
}
