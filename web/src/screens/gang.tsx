import { effect, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import "../styles/gang.css";
import { path } from "../api/client";
import type { Gang as Brief, GangDetails, Problem, Story } from "../api/types";
import { useAnswer } from "../state/answer";
import { gangs, synced, version } from "../state/gangs";
import { runs } from "../state/line";
import { type Route, to } from "../state/route";
import { shapeOf } from "../state/shape";
import { namespace as followed } from "../state/session";
import { Next } from "../ui/forecast";
import { Unfollowed } from "../ui/scope";
import { Empty, Loading, Trouble } from "../ui/states";
import { moment } from "../ui/time";
import { CapacityOf } from "./gang/capacity";
import { Facts } from "./gang/facts";
import { Says } from "./gang/says";
import { Members, Slots } from "./gang/members";
import { Timeline } from "./gang/timeline";
import { Waits } from "./gang/waits";

export function Gang({ route }: { route: Route }) {
  const [namespace = "", name = ""] = route.parts;
  return <TheGang key={namespace + "/" + name} namespace={namespace} name={name} />;
}

function TheGang({ namespace, name }: { namespace: string; name: string }) {
  const changed = useBriefs(namespace, name);
  const details = useAnswer<GangDetails>(path("gangs", namespace, name), {}, changed).value;
  const story = useAnswer<Story>(path("gangs", namespace, name, "story"), {}, changed).value;
  const briefs = JSON.parse(changed.value) as Brief[];
  const gang = details.value ?? story.value?.gang;

  if (!gang) {
    return (
      <>
        <Title namespace={namespace} name={name} />
        {details.problem ? <NoGang problem={details.problem} /> : <Loading what="the gang" />}
      </>
    );
  }
  const follows = followed.value === "" || followed.value === namespace;
  const gone = details.problem?.status === 404 || (follows && synced.value && briefs.length === 0);
  const waits = !gone && (briefs.length > 0 ? briefs.some((brief) => !runs(brief)) : gang.phase !== "Running");
  const now = details.value?.now ?? story.value?.now;
  return (
    <>
      <Title namespace={namespace} name={name} />
      <p>
        <State phase={gang.phase} partial={gang.partial ?? false} gone={gone} />
      </p>
      {gone && (
        <p class="state" role="status">
          This gang is gone: it has ended, or was deleted. This is its story as of {moment(gang.at)}.
        </p>
      )}
      {!gone && details.problem && <Trouble problem={details.problem} />}
      <Unfollowed suggested={namespace} />
      {!follows && (
        <p class="note">
          The page follows namespace {followed.value}, so what is here does not change by itself. Choose {namespace} at the top to follow
          it.
        </p>
      )}
      <Waits gang={now ?? gang} story={story.value} waits={waits} gone={gone} />
      {waits && story.value?.next && <Next forecast={story.value.next} why={story.value.why ?? ""} />}
      {!gone && now && <Says now={now} why={story.value?.why ?? gang.reason} />}
      <p class="links">
        <a href={to("what-if", [], shapeOf(gang, story.value))}>{waits ? "What if it asked for less?" : "What would start now?"}</a>
        <a href={to("submit")}>Submit a gang</a>
      </p>
      {story.problem && !gone && <StoryProblem problem={story.problem} />}
      {story.value?.capacity && <CapacityOf capacity={story.value.capacity} shortage={(now ?? gang).shortage} />}
      <Facts gang={gang} now={now} story={story.value} />
      {story.value && <Timeline story={story.value} />}
      <Members members={gang.members ?? []} />
      <Slots slots={now?.slots ?? gang.slots ?? []} until={now?.slotsUntil ?? gang.slotsUntil} />
      {(story.value?.leftOut?.length ?? 0) > 0 && (
        <section aria-labelledby="left-out">
          <h2 id="left-out">What could not be read</h2>
          <ul>
            {story.value?.leftOut?.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** The text of what the stream has of a gang: only if that changes, there is something new to ask for. */
function useBriefs(namespace: string, name: string): Signal<string> {
  const text = useMemo(() => signal(JSON.stringify(briefsOf(namespace, name))), [namespace, name]);
  useEffect(
    () =>
      effect(() => {
        void version.value;
        text.value = JSON.stringify(briefsOf(namespace, name));
      }),
    [text, namespace, name],
  );
  return text;
}

function briefsOf(namespace: string, name: string): Brief[] {
  const found: Brief[] = [];
  for (const gang of gangs().values()) if (gang.key.name === name && gang.key.namespace === namespace) found.push(gang);
  return found;
}

function Title({ namespace, name }: { namespace: string; name: string }) {
  return (
    <h1 class="named">
      Gang {name} <small>in namespace {namespace}</small>
    </h1>
  );
}

function NoGang({ problem }: { problem: Problem }) {
  if (problem.status !== 404) return <Trouble problem={problem} />;
  return (
    <Empty>
      <p>{problem.detail ?? "There is no such gang."}</p>
      <p>
        It may have ended. <a href={to("work")}>See the gangs that wait and run</a>
      </p>
    </Empty>
  );
}

function StoryProblem({ problem }: { problem: Problem }) {
  return (
    <Trouble problem={problem}>
      <p>So what would help, what fits where, and the timeline are missing here or not of now.</p>
    </Trouble>
  );
}

const phases: Record<string, [string, string]> = {
  Ready: ["waits", "It waits: all pods that it needs exist."],
  Incomplete: ["waits", "It waits for more of its pods."],
  Disagreeing: ["bad", "It waits: its pods contradict each other."],
  Placing: ["waits", "It is about to start."],
  Running: ["runs", "It runs."],
  Unbound: ["runs", "Its pods start one by one: none says how many must start together."],
};

function State({ phase, partial, gone }: { phase: string; partial: boolean; gone: boolean }) {
  if (gone) return <span class="phase">It is gone.</span>;
  if (partial) return <span class="phase waits">It runs with too few pods. The others wait.</span>;
  const [kind, text] = phases[phase] ?? ["", phase];
  return <span class={"phase " + kind}>{text}</span>;
}
