import { useId, useMemo, useState } from "preact/hooks";
import type { Nodes } from "../../api/types";
import { type Fit, fitOf, type Shape, shapeText, typedShape, usualShapes } from "../../state/fragments";
import { isDevice } from "../../state/quantity";
import { to } from "../../state/route";

/** The largest gang that would fit, by shape: how free capacity is cut into pieces. */
export function Fits({ answer, by }: { answer: Nodes; by: number }) {
  const shapes = useMemo(() => usualShapes(answer).map((shape) => ({ shape, fit: fitOf(answer, shape, by) })), [answer, by]);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const { shape, wrong } = typedShape(typed);
  const key = answer.topologyKeys[by];
  const own = Object.keys(shape).length > 0 && Object.keys(wrong).length === 0;
  return (
    <section>
      <h2>The largest gang that would fit, by shape</h2>
      <p>
        How many equal pods fit now on nodes that are ready and not cordoned. This counts free resources only: no node selectors, taints,
        affinity, or limits of queues. <a href={to("what-if")}>What if</a> asks the scheduler, and is exact.
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Gangs that fit">
        <table>
          <caption>Pods that fit</caption>
          <thead>
            <tr>
              <th scope="col">Each pod requests</th>
              <th scope="col" class="number">
                Pods in all
              </th>
              <th scope="col" class="number">
                On nodes
              </th>
              {key && <th scope="col">Most in one {key}</th>}
            </tr>
          </thead>
          <tbody>
            {shapes.map(({ shape, fit }) => (
              <Row key={shapeText(shape)} shape={shape} fit={fit} grouped={key !== undefined} />
            ))}
            {own && <Row shape={shape} fit={fitOf(answer, shape, by)} grouped={key !== undefined} own />}
          </tbody>
        </table>
      </div>
      <p id="own-shape">Another shape: write what each pod requests.</p>
      <form class="filters" aria-labelledby="own-shape" onSubmit={(event) => event.preventDefault()}>
        {answer.resources
          .filter((name) => name === "cpu" || name === "memory" || isDevice(name))
          .map((name) => (
            <Amount key={name} name={name} wrong={wrong[name] ?? ""} type={(text) => setTyped((before) => ({ ...before, [name]: text }))} />
          ))}
      </form>
      <p class="hidden" role="status">
        {own && `${shapeText(shape)}: ${inWords(fitOf(answer, shape, by))}`}
      </p>
    </section>
  );
}

function Row({ shape, fit, grouped, own }: { shape: Shape; fit: Fit; grouped: boolean; own?: boolean }) {
  return (
    <tr>
      <th scope="row">
        {shapeText(shape)}
        {own && " (typed below)"}
      </th>
      <td class="number">{fit.pods}</td>
      <td class="number">{fit.nodes}</td>
      {grouped && <td>{fit.best ? `${fit.best.pods} in ${fit.best.name}` : "0"}</td>}
    </tr>
  );
}

function Amount({ name, wrong, type }: { name: string; wrong: string; type: (text: string) => void }) {
  const id = useId();
  return (
    <label>
      {name}{" "}
      <input
        size={8}
        autocomplete="off"
        placeholder={name === "memory" ? "such as 16Gi" : "such as 2"}
        aria-invalid={wrong !== ""}
        aria-describedby={wrong ? id : undefined}
        onInput={(event) => type(event.currentTarget.value)}
      />
      {wrong && (
        <span id={id} class="wrong">
          {" "}
          {wrong}
        </span>
      )}
    </label>
  );
}

function inWords(fit: Fit): string {
  const best = fit.best ? `, ${fit.best.pods} of them in ${fit.best.name}` : "";
  return `${fit.pods} pods fit on ${fit.nodes} nodes${best}`;
}
