import { useRef } from "preact/hooks";
import type { Problem } from "../api/types";
import { choose, namespace } from "../state/session";
import { Trouble } from "./states";

/** What a field for the name of a namespace has: the rules of Kubernetes for such names. */
export const nameOfNamespace = {
  name: "namespace",
  autocomplete: "off",
  spellcheck: false,
  maxLength: 63,
  pattern: "[a-z0-9]([a-z0-9\\-]*[a-z0-9])?",
  title: "lower-case letters, digits and -",
};

/** A problem of what is asked about all namespaces. Who may not see all can say which one right there. */
export function ScopeTrouble({ problem }: { problem: Problem }) {
  if (problem.status !== 403 || namespace.value !== "") return <Trouble problem={problem} />;
  return (
    <Trouble problem={problem}>
      <ChooseNamespace />
    </Trouble>
  );
}

function ChooseNamespace() {
  const field = useRef<HTMLInputElement>(null);
  return (
    <form
      class="choose"
      onSubmit={(event) => {
        event.preventDefault();
        choose(field.current?.value.trim() ?? "");
      }}
    >
      <label>
        Namespace to show <input ref={field} {...nameOfNamespace} required placeholder="team-a" />
      </label>{" "}
      <button type="submit" class="primary">
        Show it
      </button>
    </form>
  );
}
