import type { ComponentChildren } from "preact";
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
export function ScopeTrouble({ problem, suggested = "", children }: ScopeProps) {
  if (!needsNamespace(problem)) return <Trouble problem={problem}>{children}</Trouble>;
  return (
    <Trouble problem={problem}>
      {children}
      <ChooseNamespace suggested={suggested} />
    </Trouble>
  );
}

interface ScopeProps {
  problem: Problem;
  /** The namespace that the screen is about, if it is about one. */
  suggested?: string;
  children?: ComponentChildren;
}

/** Says on a screen that has answers of its own why it does not follow the gangs, if that is because no namespace is chosen. */
export function Unfollowed({ suggested = "" }: { suggested?: string }) {
  const problem = stream.value;
  if (!problem || !needsNamespace(problem)) return null;
  return (
    <ScopeTrouble problem={problem} suggested={suggested}>
      <p>Until a namespace is chosen, the page does not follow any gangs, so what is here does not change by itself.</p>
    </ScopeTrouble>
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
