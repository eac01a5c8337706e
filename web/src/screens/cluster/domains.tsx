import { useMemo } from "preact/hooks";
import type { Nodes } from "../../api/types";
import { byDomain } from "../../state/nodes";
import { formatQuantity } from "../../state/quantity";
import { Bar } from "../../ui/bar";

const most = 200;

/** The picture as a table: what each domain has. */
export function Domains({ answer, by, resource }: { answer: Nodes; by: number; resource: number }) {
  const all = useMemo(() => byDomain(answer.items, by, resource), [answer, by, resource]);
  const key = answer.topologyKeys[by];
  const name = answer.resources[resource] ?? "";
  const text = (amount: number) => formatQuantity(name, amount);
  return (
    <section>
      <h2>{key ? `Domains of ${key}` : "All nodes"}</h2>
      <div class="scroll tall" tabIndex={0} role="group" aria-label="Domains">
        <table>
          <caption>
            {name}, the most free first{all.length > most && ` (the first ${most} of ${all.length} domains)`}
          </caption>
          <thead>
            <tr>
              <th scope="col">Domain</th>
              <th scope="col">Use</th>
              {["Free", "Used", "Set aside", "Allocatable", "Nodes"].map((column) => (
                <th key={column} scope="col" class="number">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {all.slice(0, most).map(({ name: domain, sum }) => (
              <tr key={domain}>
                <th scope="row">{domain || (key ? "no domain" : "all")}</th>
                <td>
                  <Bar
                    total={sum.allocatable}
                    parts={[
                      { kind: "used", amount: sum.used },
                      { kind: "aside", amount: sum.setAside },
                    ]}
                    text={`${text(sum.used)} used, ${text(sum.setAside)} set aside, of ${text(sum.allocatable)}`}
                  />
                </td>
                {[sum.free, sum.used, sum.setAside, sum.allocatable].map((amount, i) => (
                  <td key={i} class="number">
                    {text(amount)}
                  </td>
                ))}
                <td class="number">
                  {sum.nodes}
                  {sum.unusable > 0 && ` (${sum.unusable} not ready or cordoned)`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
