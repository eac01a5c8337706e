import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Nodes } from "../../api/types";
import { colourOf } from "../../state/colour";
import { free, gangName, type Node, troubleOf } from "../../state/nodes";
import { formatQuantity } from "../../state/quantity";
import { filter, to } from "../../state/route";
import { palette } from "../../ui/palette";
import { pictureID } from "./picture";

/** A node in words and numbers, with links to the gangs that run there. */
export function Details({ answer, index }: { answer: Nodes; index: number }) {
  const title = useRef<HTMLHeadingElement>(null);
  // Who opens the details by keyboard goes on in them.
  useEffect(() => title.current?.focus({ preventScroll: false }), []);
  const node = answer.items[index];
  if (!node) return null;
  return (
    <section class="details" aria-labelledby="details-title">
      <h2 id="details-title" ref={title} tabIndex={-1}>
        Node {node.name}
      </h2>
      <button type="button" onClick={close}>
        Close
      </button>
      <dl class="facts">
        <dt>State</dt>
        <dd>{troubleOf(node) || "ready"}</dd>
        {answer.topologyKeys.map((key, i) => (
          <Fragment key={key}>
            <dt>{key}</dt>
            <dd>{node.domains[i] || "none"}</dd>
          </Fragment>
        ))}
      </dl>
      <Amounts answer={answer} node={node} />
      <Gangs answer={answer} node={node} />
    </section>
  );
}

function close(): void {
  filter("node", "");
  document.getElementById(pictureID)?.focus();
}

function Amounts({ answer, node }: { answer: Nodes; node: Node }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Resources of the node">
      <table>
        <caption>Resources</caption>
        <thead>
          <tr>
            <th scope="col">Resource</th>
            {["Free", "Used", "Set aside", "Allocatable"].map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.resources.map((name, r) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {[free(node, r), node.used[r] ?? 0, node.setAside?.[r] ?? 0, node.allocatable[r] ?? 0].map((amount, i) => (
                <td key={i} class="number">
                  {formatQuantity(name, amount)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Gangs({ answer, node }: { answer: Nodes; node: Node }) {
  const uses = node.gangs ?? [];
  if (uses.length === 0) return <p>No gang that you may see runs here.</p>;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Gangs on the node">
      <table>
        <caption>Gangs here</caption>
        <thead>
          <tr>
            <th scope="col">Gang</th>
            <th scope="col" class="number">
              Pods
            </th>
            {answer.resources.map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {uses.map((use) => {
            const gang = answer.gangs[use.gang];
            if (!gang) return null;
            const name = gangName(answer, use.gang);
            return (
              <tr key={name}>
                <th scope="row">
                  <span class="swatch" style={{ background: colourOf(name, palette.value.lightness) }} />
                  <a href={to("gangs", [gang.namespace, gang.name])}>{name}</a>
                </th>
                <td class="number">{use.pods}</td>
                {answer.resources.map((resource, r) => (
                  <td key={resource} class="number">
                    {formatQuantity(resource, use.uses[r] ?? 0)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
