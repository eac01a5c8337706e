import { useState } from "preact/hooks";
import type { GangDetails, Member } from "../../api/types";
import { age } from "../../state/clock";
import { until } from "../../ui/time";
import { NodeLink } from "./capacity";

/** How many members are listed before the reader asks for all. A gang has up to 2,000. */
const most = 100;

const states: Record<string, [string, string]> = {
  Foreign: ["", "another scheduler's"],
  Terminating: ["bad", "ends"],
  Gated: ["waits", "waits for its scheduling gates"],
  Pending: ["waits", "waits"],
  Planned: ["waits", "is about to take a slot"],
  Binding: ["runs", "starts"],
  Bound: ["runs", "has its node"],
  Succeeded: ["", "succeeded"],
  Failed: ["bad", "failed"],
};

/** The pods of a gang. */
export function Members({ members }: { members: Member[] }) {
  const [all, setAll] = useState(false);
  const roles = members.some((member) => member.role);
  const listed = all ? members : members.slice(0, most);
  return (
    <section aria-labelledby="members">
      <h2 id="members">Members</h2>
      {members.length === 0 && <p>None of its pods exists.</p>}
      {members.length > 0 && (
        <table class="members">
          <caption>{members.length === 1 ? "1 pod" : `${members.length} pods`}</caption>
          <thead>
            <tr>
              <th scope="col">Pod</th>
              {roles && <th scope="col">Role</th>}
              <th scope="col">State</th>
              <th scope="col">Node</th>
            </tr>
          </thead>
          <tbody>
            {listed.map((member) => (
              <tr key={member.uid}>
                <th scope="row">{member.name}</th>
                {roles && <td>{member.role ?? "-"}</td>}
                <td>
                  <State member={member} />
                </td>
                <td>{member.node ? <NodeLink name={member.node} /> : "-"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {members.length > listed.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show all {members.length} pods
        </button>
      )}
    </section>
  );
}

function State({ member: { state, apart } }: { member: Member }) {
  const [kind, text] = states[state] ?? ["", state];
  return (
    <span class={"phase " + kind}>
      {text}
      {apart && "; does not count for what the gang needs"}
    </span>
  );
}

/** The capacity that is held for members of a gang that are not bound. */
export function Slots({ slots, until: end }: { slots: NonNullable<GangDetails["slots"]>; until: string | undefined }) {
  if (slots.length === 0) return null;
  return (
    <section aria-labelledby="slots">
      <h2 id="slots">Slots</h2>
      <p>
        Capacity is held for {slots.length === 1 ? "1 member" : `${slots.length} members`}
        {end && (until(end) === "now" ? `, until ${age(end)} ago` : `, for ${until(end)} more`)}.
      </p>
      <table class="members">
        <caption>Slots by role</caption>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Node</th>
            <th scope="col">Pod that takes it</th>
          </tr>
        </thead>
        <tbody>
          {slots.map((slot, i) => (
            <tr key={i}>
              <th scope="row">{slot.role || "any"}</th>
              <td>
                <NodeLink name={slot.node} />
              </td>
              <td>{slot.member ?? "none yet"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
