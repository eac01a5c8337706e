import type { ComponentChildren } from "preact";
import type { GangDetails, Story } from "../../api/types";
import { age } from "../../state/clock";
import { to } from "../../state/route";
import { factsOf } from "../../state/understood";
import { moment } from "../../ui/time";

interface Props {
  gang: GangDetails | NonNullable<Story["gang"]>;
  now: GangDetails["now"] | undefined;
  story: Story | undefined;
}

/** What a gang is: what its annotations say, as the scheduler understands them, and what follows from its pods. */
export function Facts({ gang, now, story }: Props) {
  const { minAvailable, have, running } = gang.needs;
  const roles = gang.needs.roles ?? [];
  const queue = now?.queue ?? gang.queue;
  const domains = now?.domains ?? gang.domains ?? [];
  const topology = story?.topology ?? [];
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">As understood</h2>
      <dl class="facts">
        <Fact name="Needs">
          {minAvailable > 0
            ? minAvailable === 1
              ? "1 pod"
              : `${minAvailable} pods that start together`
            : "its pods do not say how many start together"}
          ; {have} exist, {running} have started
        </Fact>
        <Fact name="Queue">{queue ? <a href={to("work", [], { queue })}>{queue}</a> : "its pods name none"}</Fact>
        {story && <Fact name="Priority">{story.priority}</Fact>}
        {story?.owner && <Fact name="Created by">{story.owner}</Fact>}
        <Fact name="Created">
          {moment(gang.created)}, {age(gang.created)} ago
        </Fact>
        {gang.started && (
          <Fact name="Started">
            {moment(gang.started)}, {age(gang.started)} ago
          </Fact>
        )}
        <Fact name="Scheduler">{gang.scheduler}</Fact>
        <Fact name="Tied together by">
          annotations of {gang.key.convention}
          {gang.key.instance && `, instance ${gang.key.instance}`}
        </Fact>
        {factsOf(story?.understood ?? {}).map(([name, text]) => (
          <Fact key={name} name={name}>
            {text}
          </Fact>
        ))}
        {domains.length > 0 && <Fact name="All of it is in">{domains.map((d) => `${d.key} ${d.name}`).join(", ")}</Fact>}
        {topology.length > 0 && (
          <Fact name="Where its pods are">
            {topology.map((d) => `${d.key} ${d.name}: ${d.pods === 1 ? "1 pod" : `${d.pods} pods`}`).join("; ")}
          </Fact>
        )}
      </dl>
      {roles.length > 0 && (
        <div class="scroll" role="group" aria-label="Roles" tabIndex={0}>
          <table class="numbers">
            <caption>Roles</caption>
            <thead>
              <tr>
                <th scope="col">Role</th>
                <th scope="col" class="number">
                  Needs
                </th>
                <th scope="col" class="number">
                  Exist
                </th>
                <th scope="col" class="number">
                  Started
                </th>
                <th scope="col">Creates the others</th>
              </tr>
            </thead>
            <tbody>
              {roles.map((role) => (
                <tr key={role.name}>
                  <th scope="row">{role.name}</th>
                  <td class="number">{role.min}</td>
                  <td class="number">{role.have}</td>
                  <td class="number">{role.running}</td>
                  <td>{role.creates ? "yes" : "no"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
