import type { Gang } from "../../api/types";
import type { Waiting } from "../../state/line";
import { briefly } from "../../state/requests";
import { to } from "../../state/route";
import { setAsideText } from "../../ui/aside";
import type { Column } from "../../ui/table";
import { Ago } from "../../ui/time";

/** A gang that runs, as a row. */
export interface Run {
  id: string;
  gang: Gang;
}

export const waitingColumns: Column<Waiting>[] = [
  { name: "Place", class: "place", show: place },
  { name: "Gang", class: "gang", header: true, show: ({ gang }) => <Name gang={gang} /> },
  { name: "Queue", class: "queue", show: ({ gang, queue }) => <QueueOf name={queue} priority={gang.priority} /> },
  { name: "Needs", class: "needs", show: needs },
  { name: "Asks for", class: "asks", show: ({ gang }) => <Asks gang={gang} /> },
  { name: "Age", class: "age", show: ({ gang }) => <Ago at={gang.since ?? gang.created} /> },
  { name: "Why it waits", class: "why", show: why },
];

export const runningColumns: Column<Run>[] = [
  { name: "Gang", class: "gang", header: true, show: ({ gang }) => <Name gang={gang} /> },
  { name: "Queue", class: "queue", show: ({ gang }) => <QueueOf name={gang.queue} priority={gang.priority} /> },
  { name: "Runs", class: "needs", show: running },
  { name: "Nodes", class: "nodes", show: ({ gang }) => (gang.nodes === 1 ? "1 node" : `${gang.nodes} nodes`) },
  { name: "Asks for", class: "asks", show: ({ gang }) => <Asks gang={gang} /> },
  { name: "Age", class: "age", show: ({ gang }) => <Ago at={gang.started ?? gang.since ?? gang.created} /> },
];

function Name({ gang }: { gang: Gang }) {
  const { namespace, name } = gang.key;
  return (
    <>
      <a href={to("gangs", [namespace, name])} title={name}>
        {name}
      </a>
      <small title={namespace}>{namespace}</small>
    </>
  );
}

function QueueOf({ name, priority }: { name: string | undefined; priority: number }) {
  return (
    <>
      <span title={name}>{name ?? "none named"}</span>
      <small>priority {priority}</small>
    </>
  );
}

function Asks({ gang }: { gang: Gang }) {
  const text = briefly(gang.requests);
  return <span title={text}>{text || "nothing"}</span>;
}

function place({ place, position, queue }: Waiting) {
  return (
    <>
      <span>{place === undefined ? "not in line" : place}</span>
      {position !== undefined && <small>{position === 0 ? `first in ${queue}` : `${position} before it in ${queue}`}</small>}
    </>
  );
}

function needs({ gang }: Waiting) {
  const { minAvailable, have } = gang.needs;
  return (
    <>
      <span>{minAvailable > 0 ? `${minAvailable} to start` : "not said"}</span>
      <small class={have < minAvailable ? "phase waits" : undefined}>{have === 1 ? "1 exists" : `${have} exist`}</small>
    </>
  );
}

function running({ gang }: Run) {
  const { minAvailable, running } = gang.needs;
  return (
    <>
      <span class={gang.partial ? "phase waits" : undefined}>
        {running} of {minAvailable || gang.pods}
        {gang.partial && ": too few"}
      </span>
      {gang.reason && <small title={gang.reason}>{gang.reason}</small>}
    </>
  );
}

function why({ reason, setAside, help, gang }: Waiting) {
  const text = reason ?? (gang.phase === "Incomplete" ? "not all of the pods it needs exist" : "the scheduler has not said why yet");
  // All rows have the same height: the sentence has the lines that the rest leaves.
  const lines = 3 - (setAside ? 1 : 0) - (help ? 1 : 0);
  return (
    <>
      {setAside && <strong>{setAsideText(setAside)}</strong>}
      <span class={"lines-" + lines} title={text}>
        {text}
      </span>
      {help && <small title={help}>Helps: {help}</small>}
    </>
  );
}
