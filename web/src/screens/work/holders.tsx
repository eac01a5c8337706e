import { useMemo } from "preact/hooks";
import type { Gang, Queues } from "../../api/types";
import { useAnswer } from "../../state/answer";
import { gangs, synced, version } from "../../state/gangs";
import { type Held, heldBy } from "../../state/holders";
import { formatQuantity, isDevice, parseQuantity, percent } from "../../state/quantity";
import { filter, to } from "../../state/route";
import { noQueue } from "../../state/select";

/** How many holders of a resource are listed. */
const most = 5;

const owners: Record<string, (gang: Gang) => string> = {
  namespace: (gang) => gang.key.namespace,
  queue: (gang) => gang.queue ?? noQueue,
};

/** Who holds the devices, and cpu and memory: the gangs of which namespaces, or of which queues. */
export function Holders({ query }: { query: URLSearchParams }) {
  const by = query.get("by") === "queue" ? "queue" : "namespace";
  // What there is changes with the nodes, seldom; once the gangs are read is often enough.
  const capacity = useAnswer<Queues>("queues", {}, synced).value.value?.capacity;
  const held = useMemo(() => heldBy(gangs().values(), owners[by] ?? String), [version.value, by]);
  if (held.length === 0) return null;
  const devices = held.filter(({ resource }) => isDevice(resource));
  const others = held.filter(({ resource }) => !isDevice(resource));
  const tables = (of: Held[]) => (
    <div class="holders">
      {of.map((one) => (
        <HeldTable key={one.resource} held={one} by={by} of={parseQuantity(capacity?.[one.resource] ?? "")} query={query} />
      ))}
    </div>
  );
  return (
    <section aria-labelledby="holders">
      <div class="titled">
        <h2 id="holders">{devices.length > 0 ? "Who holds the devices" : "Who holds cpu and memory"}</h2>
        <label>
          By{" "}
          <select value={by} onChange={(event) => filter("by", event.currentTarget.value === "queue" ? "queue" : "")}>
            <option value="namespace">namespace</option>
            <option value="queue">queue</option>
          </select>
        </label>
      </div>
      {tables(devices.length > 0 ? devices : others)}
      {devices.length > 0 && others.length > 0 && (
        <details>
          <summary>cpu and memory</summary>
          {tables(others)}
        </details>
      )}
    </section>
  );
}

function HeldTable({ held, by, of, query }: { held: Held; by: string; of: number; query: URLSearchParams }) {
  const whole = of > 0 ? of : held.amount;
  const rest = held.holders.slice(most);
  const restAmount = rest.reduce((sum, holder) => sum + holder.amount, 0);
  return (
    <table>
      <caption>
        {held.resource}
        <span class="note">
          {formatQuantity(held.resource, held.amount)} held{of > 0 && ` of ${formatQuantity(held.resource, of)}`}
          {held.asked > 0 && `; ${formatQuantity(held.resource, held.asked)} waited for`}
        </span>
      </caption>
      <thead class="hidden">
        <tr>
          <th scope="col">{by}</th>
          <th scope="col">holds</th>
          <th scope="col">{of > 0 ? "part of all" : "part of what is held"}</th>
        </tr>
      </thead>
      <tbody>
        {held.holders.slice(0, most).map(({ name, amount }) => (
          <tr key={name}>
            <th scope="row">
              <a href={to("work", [], { ...Object.fromEntries(query), [by]: name, state: "runs" })}>
                {by === "queue" && name === noQueue ? "no queue named" : name}
              </a>
            </th>
            <td class="number">{formatQuantity(held.resource, amount)}</td>
            <td class="number part">
              <span class="share" aria-hidden="true">
                <span style={{ width: Math.min(100, (100 * amount) / whole) + "%" }} />
              </span>
              {percent(amount, whole)}
            </td>
          </tr>
        ))}
        {rest.length > 0 && (
          <tr>
            <th scope="row">{rest.length} more</th>
            <td class="number">{formatQuantity(held.resource, restAmount)}</td>
            <td class="number part">{percent(restAmount, whole)}</td>
          </tr>
        )}
        {held.holders.length === 0 && (
          <tr>
            <td colSpan={3}>No gang holds any.</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
