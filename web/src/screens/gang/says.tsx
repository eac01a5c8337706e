import type { GangDetails } from "../../api/types";
import { count } from "../../state/forecast";

interface Props {
  now: NonNullable<GangDetails["now"]>;
  /** What the screen says already of why it waits. */
  why: string | undefined;
}

/** What only the scheduler knows of a gang. */
export function Says({ now: { attempts, setAside, awaits, slots, reason, at }, why }: Props) {
  const held = slots?.length ?? 0;
  const other = reason && reason !== why ? reason : "";
  if (!attempts && !setAside && !awaits && held === 0 && !other) return null;
  return (
    <section aria-labelledby="says">
      <h2 id="says">What the scheduler says</h2>
      <dl class="facts">
        {other && <Said name="Waits" text={other} />}
        {attempts ? <Said name="Tried" text={count(attempts, "time") + ", and did not start"} /> : null}
        {setAside && <Said name="Set aside" text={`capacity for ${setAside.held} of the ${count(setAside.of, "pod")} that it needs`} />}
        {awaits && <Said name="Awaits" text={awaitsText(awaits)} />}
        {held > 0 && <Said name="Slots" text={`capacity for ${count(held, "member")}; see the slots below`} />}
        <Said name="Said at" text={new Date(at).toLocaleTimeString()} />
      </dl>
    </section>
  );
}

function awaitsText({ pods, nodes }: NonNullable<Props["now"]["awaits"]>): string {
  const [were, have] = pods === 1 ? ["was", "has"] : ["were", "have"];
  return `${count(pods, "pod")} on ${count(nodes, "node")} that ${were} preempted for it and ${have} not ended`;
}

function Said({ name, text }: { name: string; text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}
