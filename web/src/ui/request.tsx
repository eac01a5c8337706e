import { useRef } from "preact/hooks";
import { draft } from "../state/draft";
import type { FieldName, Purpose } from "../state/request";
import { RequestField } from "./fields";

interface Props {
  purpose: Purpose;
  wrong: Partial<Record<FieldName, string[]>>;
}

const more: FieldName[] = [
  "resources",
  "activeDeadline",
  "topology.required",
  "topology.preferred",
  "topology.spread",
  "topology.sliceRequired",
  "topology.sliceSize",
  "backoffLimit",
];

/** The fields of a request, those first that most gangs need. */
export function RequestFields(props: Props) {
  // Opens when something in it is filled, and leaves the rest to the reader.
  const open = useRef(false);
  open.current ||= more.some((name) => draft.value[name] !== "");
  const submits = props.purpose === "submit";
  return (
    <>
      <fieldset>
        <legend>How many pods, and what each requests</legend>
        <div class="fields">
          <RequestField {...props} name="replicas" label="Pods" />
          <RequestField {...props} name="minAvailable" label="Start together" />
          <RequestField {...props} name="cpu" label="CPU" />
          <RequestField {...props} name="memory" label="Memory" />
          <RequestField {...props} name="gpu" label="GPUs" />
        </div>
      </fieldset>
      <fieldset>
        <legend>What runs</legend>
        <div class="fields">
          <RequestField {...props} name="name" label="Name">
            {!submits && "Needed only to submit."}
          </RequestField>
          <RequestField {...props} name="image" label="Image">
            {!submits && "Needed only to submit."}
          </RequestField>
          {submits && (
            <>
              <RequestField {...props} name="command" label="Command">
                Spaces divide it, quotes keep them.
              </RequestField>
              <RequestField {...props} name="args" label="Arguments">
                Spaces divide them, quotes keep them.
              </RequestField>
              <RequestField {...props} name="env" label="Environment">
                One a line: <code>NAME=value</code>
              </RequestField>
              <RequestField {...props} name="torchrun" label="torchrun" />
            </>
          )}
        </div>
      </fieldset>
      <fieldset>
        <legend>Queue and priority</legend>
        <div class="fields">
          <RequestField {...props} name="queue" label="Queue" />
          <RequestField {...props} name="priorityClass" label="Priority class" />
          <RequestField {...props} name="expectedRuntime" label="Expected runtime" />
        </div>
      </fieldset>
      <details open={open.current}>
        <summary>Topology, other resources, and limits</summary>
        <div class="fields">
          <RequestField {...props} name="topology.required" label="Required topology" />
          <RequestField {...props} name="topology.preferred" label="Preferred topology" />
          <RequestField {...props} name="topology.spread" label="Spread over" />
          <RequestField {...props} name="topology.sliceRequired" label="Required topology of a slice" />
          <RequestField {...props} name="topology.sliceSize" label="Pods of a slice" />
          <RequestField {...props} name="resources" label="Other resources">
            One a line: <code>example.com/nic=1</code>
          </RequestField>
          <RequestField {...props} name="activeDeadline" label="Deadline" />
          {submits && <RequestField {...props} name="backoffLimit" label="Failures allowed" />}
        </div>
      </details>
    </>
  );
}
