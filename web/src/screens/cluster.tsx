import { useMemo } from "preact/hooks";
import type { Nodes } from "../api/types";
import { useAnswer } from "../state/answer";
import { version } from "../state/gangs";
import { defaultKey, defaultResource, gangName, sumOf } from "../state/nodes";
import { percent, withName } from "../state/quantity";
import { filter, type Route, to } from "../state/route";
import "../styles/bar.css";
import "../styles/cluster.css";
import { Unfollowed } from "../ui/scope";
import { Empty, Loading, Trouble } from "../ui/states";
import { Details } from "./cluster/details";
import { Domains } from "./cluster/domains";
import { Fits } from "./cluster/fits";
import { Legend } from "./cluster/legend";
import { Picture } from "./cluster/picture";
import { Users } from "./cluster/users";

// The answer is up to 1 MB.
const calm = 5000;

export function Cluster({ route }: { route: Route }) {
  const answer = useAnswer<Nodes>("nodes", {}, version, calm);
  const { value, problem } = answer.value;
  return (
    <>
      <h1>Cluster</h1>
      {value && <Unfollowed />}
      {problem && (
        <Trouble problem={problem}>{problem.status === 403 && <p>Ask who runs the cluster for the right to see its nodes.</p>}</Trouble>
      )}
      {!value && !problem && <Loading what="the nodes" />}
      {value && value.items.length === 0 && <Empty>The cluster has no nodes. Gangs wait until there are some.</Empty>}
      {value && value.items.length > 0 && <Whole answer={value} query={route.query} />}
    </>
  );
}

function Whole({ answer, query }: { answer: Nodes; query: URLSearchParams }) {
  const usual = useMemo(() => ({ by: defaultKey(answer), resource: defaultResource(answer) }), [answer]);
  const chosen = query.get("by") ?? usual.by;
  const by = answer.topologyKeys.indexOf(chosen);
  const name = query.get("resource") ?? usual.resource;
  const resource = Math.max(0, answer.resources.indexOf(name));
  const gangShown = query.get("gang") ?? "";
  const gang = gangShown ? answer.gangs.findIndex((_, i) => gangName(answer, i) === gangShown) : -1;
  const nodeShown = query.get("node") ?? "";
  const selected = nodeShown ? answer.items.findIndex((node) => node.name === nodeShown) : -1;
  return (
    <>
      <Choices answer={answer} by={by} resource={resource} />
      <Summary answer={answer} resource={resource} />
      {gangShown && <Shown answer={answer} name={gangShown} gang={gang} />}
      <div class={selected >= 0 ? "beside" : undefined}>
        <section aria-label="Picture of the nodes">
          <Legend />
          <Picture answer={answer} resource={resource} by={by} gang={gang} selected={selected} />
        </section>
        {selected >= 0 && <Details key={nodeShown} answer={answer} index={selected} />}
      </div>
      {nodeShown && selected < 0 && (
        <p class="state" role="status">
          There is no node {nodeShown}.{" "}
          <button type="button" onClick={() => filter("node", "")}>
            Close
          </button>
        </p>
      )}
      <Users answer={answer} resource={resource} gang={gangShown} />
      <Fits answer={answer} by={by} />
      <Domains answer={answer} by={by} resource={resource} />
    </>
  );
}

function Choices({ answer, by, resource }: { answer: Nodes; by: number; resource: number }) {
  const find = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("node") ?? "").trim();
    const found = answer.items.find((node) => node.name === text) ?? answer.items.find((node) => node.name.includes(text));
    if (text) filter("node", found?.name ?? text);
  };
  return (
    <form class="filters" onSubmit={find}>
      <label>
        Resource{" "}
        <select value={answer.resources[resource]} onChange={(event) => filter("resource", event.currentTarget.value)}>
          {answer.resources.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Group by{" "}
        <select value={answer.topologyKeys[by] ?? "none"} onChange={(event) => filter("by", event.currentTarget.value)}>
          <option>none</option>
          {answer.topologyKeys.map((key) => (
            <option key={key}>{key}</option>
          ))}
        </select>
      </label>
      <label>
        Node <input name="node" placeholder="name" autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Show node</button>
    </form>
  );
}

function Summary({ answer, resource }: { answer: Nodes; resource: number }) {
  const name = answer.resources[resource] ?? "";
  const sum = sumOf(answer.items, resource);
  const with_ = answer.items.filter((node) => (node.allocatable[resource] ?? 0) > 0).length;
  const notReady = answer.items.filter((node) => !node.ready).length;
  const cordoned = answer.items.filter((node) => node.unschedulable).length;
  return (
    <p>
      Of {withName(name, sum.allocatable)} on {with_} nodes, {percent(sum.used, sum.allocatable)} is used,{" "}
      {percent(sum.setAside, sum.allocatable)} is set aside for gangs that wait, and {percent(sum.free, sum.allocatable)} is free.{" "}
      {notReady > 0 && `Not ready: ${notReady}. `}
      {cordoned > 0 && `Cordoned: ${cordoned}. `}
      {sum.unusable > 0 && "What is free on these nodes is not counted as free."}
    </p>
  );
}

// More names than these are read in the story of the gang.
const named = 10;

/** Where the gang runs that stands out in the picture. */
function Shown({ answer, name, gang }: { answer: Nodes; name: string; gang: number }) {
  const nodes = answer.items.filter((node) => node.gangs?.some((use) => use.gang === gang)).map((node) => node.name);
  const [namespace = "", of = ""] = name.split("/", 2);
  const more = nodes.length > named ? ` and ${nodes.length - named} more` : "";
  return (
    <p class="state" role="status">
      Gang <a href={to("gangs", [namespace, of])}>{name}</a>{" "}
      {nodes.length === 0
        ? "uses nothing on a node, or you may not see it. "
        : `stands out in the picture. Its nodes (${nodes.length}): ${nodes.slice(0, named).join(", ")}${more}. `}
      <button type="button" onClick={() => filter("gang", "")}>
        Show all alike
      </button>
    </p>
  );
}
