import { useMemo } from "preact/hooks";
import type { Nodes } from "../../api/types";
import { colourOf } from "../../state/colour";
import { sumOf } from "../../state/nodes";
import { formatQuantity, percent, withName } from "../../state/quantity";
import { filter, to } from "../../state/route";
import { type User, usersOf } from "../../state/users";
import { Bar } from "../../ui/bar";
import { palette } from "../../ui/palette";

const top = 10;

/** Who uses the resource: by namespace, and by gang. */
export function Users({ answer, resource, gang }: { answer: Nodes; resource: number; gang: string }) {
  const users = useMemo(() => usersOf(answer, resource), [answer, resource]);
  const total = useMemo(() => sumOf(answer.items, resource).allocatable, [answer, resource]);
  const name = answer.resources[resource] ?? "";
  return (
    <section>
      <h2>Who uses {name}</h2>
      {users.gangs.length === 0 && <p>No gang that you may see uses {name}.</p>}
      {users.other > 0 && <p>Pods without a gang, of other schedulers, or that you may not see use {withName(name, users.other)}.</p>}
      {users.gangs.length > 0 && (
        <div class="two">
          <Table resource={name} total={total} users={users.namespaces} of="namespace" gang={gang} />
          <Table resource={name} total={total} users={users.gangs} of="gang" gang={gang} />
        </div>
      )}
    </section>
  );
}

interface TableProps {
  resource: string;
  total: number;
  users: User[];
  of: "namespace" | "gang";
  /** The gang that stands out. */
  gang: string;
}

function Table({ resource, total, users, of, gang }: TableProps) {
  const byGang = of === "gang";
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={`Use by ${of}`}>
      <table>
        <caption>
          By {of}
          {users.length > top && ` (the first ${top} of ${users.length})`}
        </caption>
        <thead>
          <tr>
            <th scope="col">{byGang ? "Gang" : "Namespace"}</th>
            <th scope="col">Part</th>
            <th scope="col" class="number">
              Uses
            </th>
            {!byGang && (
              <th scope="col" class="number">
                Gangs
              </th>
            )}
            <th scope="col" class="number">
              Pods
            </th>
            <th scope="col" class="number">
              Nodes
            </th>
            {byGang && <th scope="col">Picture</th>}
          </tr>
        </thead>
        <tbody>
          {users.slice(0, top).map((user) => (
            <Row key={`${user.namespace}/${user.gang}`} user={user} resource={resource} total={total} shown={gang} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ user, resource, total, shown }: { user: User; resource: string; total: number; shown: string }) {
  const name = `${user.namespace}/${user.gang}`;
  const colour = user.gang && colourOf(name, palette.value.lightness);
  return (
    <tr>
      <th scope="row">
        {colour && <span class="swatch" style={{ background: colour }} />}
        {user.gang ? (
          <a href={to("gangs", [user.namespace, user.gang])}>{name}</a>
        ) : (
          <a href={to("work", [], { namespace: user.namespace })}>{user.namespace}</a>
        )}
      </th>
      <td>
        <Bar
          total={total}
          parts={[{ kind: "used", amount: user.amount, ...(colour && { colour }) }]}
          text={`${percent(user.amount, total)} of ${withName(resource, total)}`}
        />
      </td>
      <td class="number">
        {formatQuantity(resource, user.amount)} ({percent(user.amount, total)})
      </td>
      {!user.gang && <td class="number">{user.gangs}</td>}
      <td class="number">{user.pods}</td>
      <td class="number">{user.nodes}</td>
      {user.gang && (
        <td>
          <button
            type="button"
            aria-pressed={shown === name}
            aria-label={`Show ${name} in the picture`}
            onClick={() => filter("gang", shown === name ? "" : name)}
          >
            Show
          </button>
        </td>
      )}
    </tr>
  );
}
