import { Fragment } from "preact";
import type { GangDetails } from "../../api/types";
import type { Capacity } from "../../api/types";
import { briefly } from "../../state/requests";
import { to } from "../../state/route";

type Ask = Capacity["asks"][number];
type Nodes = Ask["nodes"][number];

/** Where the pods that wait fit, node by node, in numbers. */
export function CapacityOf({ capacity, shortage }: { capacity: Capacity; shortage: GangDetails["shortage"] }) {
  const { fit, needed, within, asks, uncounted } = capacity;
  return (
    <section aria-labelledby="capacity">
      <h2 id="capacity">What fits now</h2>
      <p>
        {fit} of the {needed === 1 ? "1 waiting pod that has" : `${needed} waiting pods that have`} to start together
        {within && ` fit in one ${within.key}; the best is ${within.name}`}
        {!within && (needed === 1 ? " fits" : " fit")}.
        {shortage?.resource &&
          ` The last try lacked ${shortage.resource}: each pod requests ${shortage.each}, and the node with the most free has ${shortage.largest}.`}
      </p>
      {asks.map((ask, i) => (
        <AskTable key={i} ask={ask} />
      ))}
      {uncounted && uncounted.length > 0 && <p class="note">Not counted, though they decide too: {uncounted.join(", ")}.</p>}
    </section>
  );
}

function AskTable({ ask }: { ask: Ask }) {
  const resources = Object.keys(ask.requests);
  return (
    <div class="scroll" role="group" aria-label="Nodes for the waiting pods" tabIndex={0}>
      <table class="numbers">
        <caption>
          Nodes for {ask.pods === 1 ? "1 waiting pod, which" : `${ask.pods} waiting pods, each of which`} asks for{" "}
          {briefly(ask.requests) || "nothing"}
        </caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col" class="number">
              Takes
            </th>
            {resources.map((resource) => (
              <th scope="col" class="number" key={resource}>
                Free {resource}
              </th>
            ))}
            <th scope="col">Why it takes no more</th>
          </tr>
        </thead>
        <tbody>
          {ask.nodes.map((nodes) => (
            <tr key={nodes.names.join()}>
              <th scope="row">
                <Names nodes={nodes} />
              </th>
              <td class="number">{nodes.takes}</td>
              {resources.map((resource) => (
                <td class="number" key={resource}>
                  {nodes.free[resource] ?? "-"}
                </td>
              ))}
              <td>{nodes.why.join("; ") || "-"}</td>
            </tr>
          ))}
          {(ask.moreNodes ?? 0) > 0 && (
            <tr>
              <td colSpan={resources.length + 3}>And {ask.moreNodes === 1 ? "1 more node" : `${ask.moreNodes} more nodes`} with less.</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Names({ nodes }: { nodes: Nodes }) {
  const rest = nodes.count - nodes.names.length;
  return (
    <>
      {nodes.names.map((name, i) => (
        <Fragment key={name}>
          {i > 0 && ", "}
          <NodeLink name={name} />
        </Fragment>
      ))}
      {rest > 0 && ` and ${rest} more`}
    </>
  );
}

/** A node, with a link to it in the picture of the cluster. */
export function NodeLink({ name }: { name: string }) {
  return <a href={to("cluster", [], { node: name })}>{name}</a>;
}
