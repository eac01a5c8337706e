import { useMemo } from "preact/hooks";
import "../styles/work.css";
import { gangs, problem, synced, version } from "../state/gangs";
import { runs, useLine } from "../state/line";
import { type Route, to } from "../state/route";
import { noQueue, selected, selectionOf, selects } from "../state/select";
import { ScopeTrouble } from "../ui/scope";
import { Empty, Loading, Trouble } from "../ui/states";
import { Table } from "../ui/table";
import { Filters } from "./work/filters";
import { Holders } from "./work/holders";
import { runningColumns, waitingColumns } from "./work/rows";

export function Work({ route }: { route: Route }) {
  const { waiting, note } = useLine();
  const running = useMemo(runningOnes, [version.value]);
  const selection = selectionOf(route.query);
  const filtered = JSON.stringify(selection);
  const waits = useMemo(() => waiting.filter((row) => selected(selection, row.gang, row.queue, row.reason)), [waiting, filtered]);
  const rest = useMemo(() => running.filter((row) => selected(selection, row.gang, row.gang.queue, row.gang.reason)), [running, filtered]);
  const names = useMemo(() => namesIn([...waiting, ...running]), [waiting, running]);

  const shown = (selection.state === "runs" ? 0 : waits.length) + (selection.state === "waits" ? 0 : rest.length);
  const found = shown === 0 ? "No gang is shown" : shown === 1 ? "1 gang is shown" : `${shown} gangs are shown`;
  // What a filter found is said when the reader changes it, and not with each change of the cluster.
  const announced = useMemo(() => (selects(selection) ? found : ""), [filtered]);

  const nothing = waiting.length + running.length === 0;
  if (nothing && problem.value) {
    return (
      <Screen>
        <ScopeTrouble problem={problem.value} />
      </Screen>
    );
  }
  if (nothing) return <Screen>{synced.value ? <NoGangs /> : <Loading what="the gangs" />}</Screen>;

  const query = Object.fromEntries(route.query);
  const only = (state: string) => to("work", [], { ...query, state });
  return (
    <Screen>
      {problem.value && <Trouble problem={problem.value} />}
      <p class="summary">
        <a href={only("waits")}>{count(waiting.length)}</a> {waiting.length === 1 ? "waits" : "wait"},{" "}
        <a href={only("runs")}>{count(running.length)}</a> {running.length === 1 ? "runs" : "run"}.{!synced.value && " Reading more …"}
      </p>
      <Holders query={route.query} />
      <Filters selection={selection} {...names} />
      {note && <p class="note">{note}</p>}
      {selects(selection) && (
        <p class="note">
          {found}. <a href={to("work")}>Show all</a>
        </p>
      )}
      <span class="hidden" role="status">
        {announced}
      </span>
      {selection.state !== "runs" && waits.length > 0 && (
        <Table class="waiting" caption="Gangs that wait, the next one to start first" rows={waits} columns={waitingColumns} />
      )}
      {selection.state !== "waits" && rest.length > 0 && (
        <Table class="running" caption="Gangs that run, the youngest first" rows={rest} columns={runningColumns} />
      )}
    </Screen>
  );
}

function Screen({ children }: { children: preact.ComponentChildren }) {
  return (
    <>
      <h1>Work</h1>
      {children}
    </>
  );
}

function NoGangs() {
  return (
    <Empty>
      <p>No gang runs or waits here.</p>
      <p>
        <a href={to("submit")}>Submit one</a>, or see <a href={to("cluster")}>what else the nodes run</a>.
      </p>
    </Empty>
  );
}

function count(n: number): string {
  return n === 1 ? "1 gang" : `${n} gangs`;
}

function runningOnes() {
  const rows = [...gangs()]
    .filter(([, gang]) => runs(gang))
    .map(([id, gang]) => ({ id, gang, at: Date.parse(gang.started ?? gang.created) }));
  return rows.sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1));
}

function namesIn(rows: { gang: { key: { namespace: string }; queue?: string }; queue?: string | undefined }[]) {
  const namespaces = new Set<string>();
  const queues = new Set<string>();
  for (const { gang, queue } of rows) {
    namespaces.add(gang.key.namespace);
    queues.add(queue ?? gang.queue ?? noQueue);
  }
  return { namespaces: [...namespaces].sort(), queues: [...queues].sort() };
}
