import type { Queue, Queues } from "../../api/types";
import { amountOf, dominantResource } from "../../state/borrow";
import { age, now } from "../../state/clock";
import { formatQuantity, percent, withName } from "../../state/quantity";
import { to } from "../../state/route";
import { Bar, type BarMark } from "../../ui/bar";

/** The queues as a table, those below another indented. */
export function Tree({ answer, resource }: { answer: Queues; resource: string }) {
  return (
    <>
      <Marks />
      <div class="scroll" tabIndex={0} role="group" aria-label="Queues">
        <table class="queues">
          <caption>{resource ? `Use of ${resource}` : "Use of the resource of which each queue has the largest part"}</caption>
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col">Use</th>
              {!resource && <th scope="col">Resource</th>}
              {["Uses", "Guarantee", "Fair share", "Limit", "Dominant share", "Weight", "Waiting"].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
              <th scope="col">Oldest waits for</th>
            </tr>
          </thead>
          <tbody>
            {(answer.items ?? []).map((queue) => (
              <Row key={queue.name} queue={queue} answer={answer} chosen={resource} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Marks() {
  const marks: [BarMark["kind"], string][] = [
    ["guarantee", "guarantee"],
    ["fair", "fair share"],
    ["limit", "limit"],
  ];
  return (
    <ul class="legend">
      <li>Each bar is the whole cluster.</li>
      {marks.map(([kind, name]) => (
        <li key={kind}>
          <span class="sample">
            <span class={"mark " + kind} />
          </span>
          {name}
        </li>
      ))}
    </ul>
  );
}

function Row({ queue, answer, chosen }: { queue: Queue; answer: Queues; chosen: string }) {
  const capacity = answer.capacity ?? {};
  const resource = chosen || dominantResource(queue, capacity);
  const total = amountOf(capacity, resource) ?? 0;
  const uses = amountOf(queue.uses, resource) ?? 0;
  const promised = {
    guarantee: amountOf(queue.guarantee, resource),
    fair: amountOf(queue.fairShare, resource) ?? 0,
    limit: amountOf(queue.limit, resource),
  };
  const text = (amount: number | undefined) => (amount === undefined ? "none" : formatQuantity(resource, amount));
  return (
    <tr>
      <th scope="row">
        <span style={{ paddingLeft: `${queue.depth * 1.25}rem` }}>
          {queue.parent && <span class="hidden">below {queue.parent}: </span>}
          <a href={to("work", [], { queue: queue.name })}>{queue.name}</a>
        </span>
      </th>
      <td>
        <Bar
          total={total}
          parts={[{ kind: "used", amount: uses }]}
          marks={(["guarantee", "fair", "limit"] as const).flatMap((kind) => {
            const at = promised[kind];
            return at === undefined ? [] : [{ kind, at }];
          })}
          text={`${text(uses)} of ${withName(resource, total)}, which is ${percent(uses, total)}`}
        />
      </td>
      {!chosen && <td>{resource}</td>}
      <td class="number">
        {text(uses)} ({percent(uses, total)})
      </td>
      <td class="number">{text(promised.guarantee)}</td>
      <td class="number">{text(promised.fair)}</td>
      <td class="number">{text(promised.limit)}</td>
      <td class="number">{percent(queue.share, 1)}</td>
      <td class="number">{queue.weight}</td>
      <td class="number">{queue.waiting}</td>
      <td>{queue.oldestAt ? age(queue.oldestAt, now.value) : ""}</td>
    </tr>
  );
}
