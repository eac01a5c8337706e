import { useEffect, useRef } from "preact/hooks";
import type { Forecast } from "../api/types";
import { count, headings, lack, startOf, whose } from "../state/forecast";
import { to } from "../state/route";
import "../styles/forecast.css";

/** How many nodes and victims are listed. */
const most = 20;

/** What would happen: first in a sentence, then who would have to go, then where. */
export function Answer({ forecast, changed }: { forecast: Forecast; changed: boolean }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.focus(), [forecast]);
  return (
    <section class={"answer " + forecast.outcome} aria-labelledby="answer" tabIndex={-1} ref={section}>
      <h2 id="answer">{headings[forecast.outcome] ?? forecast.outcome}</h2>
      {changed && <p class="hint">The form has changed since this was asked.</p>}
      <Foreseen forecast={forecast} />
    </section>
  );
}

/**
 * What a gang that waits would meet if it were tried now. It comes with the story, so it does not take the focus.
 *
 * @param why why it waits, as the story says it already
 */
export function Next({ forecast, why }: { forecast: Forecast; why: string }) {
  return (
    <section class={"answer " + forecast.outcome} aria-labelledby="next">
      <h2 id="next">If it were tried now</h2>
      <p>
        <strong>{headings[forecast.outcome] ?? forecast.outcome}</strong>
      </p>
      <Foreseen forecast={forecast.why === why ? { ...forecast, why: "The reason is the same" } : forecast} />
    </section>
  );
}

function Foreseen({ forecast }: { forecast: Forecast }) {
  const victims = whose(forecast);
  const estimate = startOf(forecast);
  const shortage = forecast.outcome === "Waits" ? lack(forecast) : "";
  return (
    <>
      <p>{forecast.why}.</p>
      {victims && (
        <p>
          <strong>It would preempt:</strong> {victims}.
        </p>
      )}
      <dl class="facts">
        {forecast.outcome !== "Rejected" && (
          <>
            <dt>Pods</dt>
            <dd>
              {forecast.placed} of {forecast.pods} would have a node
              {forecast.minAvailable ? `; ${forecast.minAvailable} have to start together` : ""}
            </dd>
          </>
        )}
        {forecast.queue && (
          <>
            <dt>Queue</dt>
            <dd>
              <a href={to("queues")}>{forecast.queue}</a>, {count(forecast.before ?? 0, "gang")} before it
            </dd>
          </>
        )}
        {estimate && <Fact name="Would start" value={estimate} />}
        {shortage && <Fact name="Shortage" value={shortage} />}
        {(forecast.domains ?? []).map(({ key, name }) => (
          <Fact key={key} name={key} value={`all of them in ${name}`} />
        ))}
        {forecast.terminating ? <Fact name="Also waits for" value={`${count(forecast.terminating, "pod")} that ends already`} /> : null}
        {forecast.budgetsBroken ? (
          <Fact name="Budgets" value={`${count(forecast.budgetsBroken, "disruption")} more than PodDisruptionBudgets allow`} />
        ) : null}
        <Fact name="Asked at" value={new Date(forecast.at).toLocaleTimeString()} />
      </dl>
      <Victims victims={forecast.victims ?? []} />
      <Nodes nodes={forecast.nodes ?? []} />
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function Nodes({ nodes }: { nodes: NonNullable<Forecast["nodes"]> }) {
  if (nodes.length === 0) return null;
  return (
    <div class="scroll" role="region" aria-label="Nodes" tabIndex={0}>
      <table>
        <caption>Where its pods would be</caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col" class="number">
              Pods
            </th>
          </tr>
        </thead>
        <tbody>
          {nodes.slice(0, most).map((node) => (
            <tr key={node.name}>
              <td>{node.name}</td>
              <td class="number">{node.pods}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <More of={nodes.length} what="node" />
    </div>
  );
}

function Victims({ victims }: { victims: NonNullable<Forecast["victims"]> }) {
  if (victims.length === 0) return null;
  return (
    <div class="scroll" role="region" aria-label="Pods that would be preempted" tabIndex={0}>
      <table>
        <caption>Pods that would be preempted</caption>
        <thead>
          <tr>
            <th scope="col">Gang</th>
            <th scope="col">Pod</th>
            <th scope="col">Node</th>
            <th scope="col" class="number">
              Priority
            </th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {victims.slice(0, most).map((victim) => (
            <tr key={victim.namespace + "/" + victim.name}>
              <td>
                {victim.gang ? (
                  <a href={to("gangs", [victim.namespace, victim.gang])}>
                    {victim.namespace}/{victim.gang}
                  </a>
                ) : (
                  "none"
                )}
              </td>
              <td>
                {victim.namespace}/{victim.name}
              </td>
              <td>{victim.node}</td>
              <td class="number">{victim.priority}</td>
              <td>{reasons[victim.reason] ?? victim.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <More of={victims.length} what="pod" />
    </div>
  );
}

const reasons: Record<string, string> = {
  InQueue: "lower priority in the same queue",
  Reclaim: "its queue uses more than its share",
};

function More({ of, what }: { of: number; what: string }) {
  return of > most ? <p class="hint">and {count(of - most, "more " + what)}</p> : null;
}
