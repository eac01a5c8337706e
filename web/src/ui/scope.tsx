import { useRef } from "preact/hooks";
import type { Problem } from "../api/types";
import { problem as stream } from "../state/gangs";
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
  if (!needsNamespace(problem)) return <Trouble problem={problem} />;
  return (
    <Trouble problem={{ ...problem, errors: [] }}>
      <ChooseNamespace suggested="" />
    </Trouble>
  );
}

/**
 * Says on a screen that has answers of its own that it does not follow the gangs, if that is because no namespace is chosen.
 *
 * @param suggested the namespace that the screen is about, if it is about one
 */
export function Unfollowed({ suggested = "" }: { suggested?: string }) {
  if (!stream.value || !needsNamespace(stream.value)) return null;
  return (
    <div class="state">
      <p>
        You may not see the gangs of all namespaces, so the page does not follow any, and what is here does not change by itself. Choose a
        namespace that you may see:
      </p>
      <ChooseNamespace suggested={suggested} />
    </div>
  );
}

function needsNamespace(problem: Problem): boolean {
  return problem.status === 403 && namespace.value === "";
}

function ChooseNamespace({ suggested }: { suggested: string }) {
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
        Namespace to show <input ref={field} {...nameOfNamespace} required defaultValue={suggested} />
      </label>{" "}
      <button type="submit" class="primary">
        Show it
      </button>
    </form>
  );
}
