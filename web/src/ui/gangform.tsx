import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { shownTab, typedNamespace } from "../state/draft";
import { type Located, locate } from "../state/locate";
import type { Purpose } from "../state/request";
import type { Failure } from "../state/sending";
import { namespace } from "../state/session";
import "../styles/forms.css";
import { Wrong } from "./fields";
import { Failed } from "./failed";
import { ManifestField } from "./manifest";
import { RequestFields } from "./request";
import { nameOfNamespace } from "./scope";
import { Tabs } from "./tabs";

/** The form for a gang, as fields or as a manifest. What is wrong is said beside the fields, and the first of them has the focus. */
export function GangForm(props: {
  label: string;
  purpose: Purpose;
  failure: Failure | undefined;
  /** Sends what was typed; action is the value of the button. */
  send: (action: string) => void;
  /** The buttons. The first is that of the key Enter. */
  children: ComponentChildren;
}) {
  const { failure, purpose } = props;
  const form = useRef<HTMLFormElement>(null);
  const pressed = useRef<HTMLElement | null>(null);
  const located = here(failure);
  useEffect(() => {
    if (failure) goTo(form.current);
  }, [failure]);
  return (
    <form
      ref={form}
      class="gang"
      aria-label={props.label}
      onInvalidCapture={(event) => open(event.target)}
      onSubmit={(event) => {
        event.preventDefault();
        pressed.current = event.submitter;
        props.send(event.submitter?.getAttribute("value") ?? "");
      }}
    >
      <NamespaceField wrong={failure} />
      <Tabs
        label="How to say it"
        tabs={[
          { name: "form", title: "Form" },
          { name: "manifest", title: "Manifest" },
        ]}
        shown={shownTab.value}
        show={(name) => (shownTab.value = name)}
      >
        {shownTab.value === "form" ? <RequestFields purpose={purpose} wrong={located.fields} /> : <ManifestField />}
      </Tabs>
      {failure && <Failed failure={failure} located={located} again={() => form.current?.requestSubmit(pressed.current)} />}
      <p class="buttons">{props.children}</p>
    </form>
  );
}

/** What is wrong, by the fields that are shown: none with a manifest. */
function here(failure: Failure | undefined): Located {
  if (!failure) return { fields: {}, others: [] };
  const all = (failure.problem.errors ?? []).map(({ location = "", message = "" }) => ({ location, message }));
  const others = all.filter((error) => !isOfNamespace(error.location));
  return shownTab.value === "form" ? locate({ errors: others }) : { fields: {}, others };
}

function isOfNamespace(location: string): boolean {
  return /^(query|path)\.namespace$/.test(location);
}

function NamespaceField({ wrong }: { wrong: Failure | undefined }) {
  const messages = wrong?.problem.errors?.filter((error) => isOfNamespace(error.location ?? "")).map((error) => error.message ?? "");
  const told = messages && messages.length > 0 ? messages : undefined;
  if (namespace.value) {
    return (
      <>
        <p>
          In the namespace <strong>{namespace.value}</strong>, as chosen above.
        </p>
        <Wrong id="field-namespace-wrong" messages={told} />
      </>
    );
  }
  return (
    <div class="field">
      <label for="field-namespace">Namespace</label>
      <input
        id="field-namespace"
        {...nameOfNamespace}
        required
        value={typedNamespace.value}
        aria-invalid={told !== undefined}
        aria-describedby={told && "field-namespace-wrong"}
        onInput={(event) => (typedNamespace.value = event.currentTarget.value)}
      />
      <Wrong id="field-namespace-wrong" messages={told} />
    </div>
  );
}

/** Opens what hides a field, because the focus cannot go to it otherwise. */
function open(target: EventTarget | null): void {
  const hides = target instanceof Element ? target.closest("details") : null;
  if (hides) hides.open = true;
}

function goTo(form: HTMLFormElement | null): void {
  const first = form?.querySelector<HTMLElement>('[aria-invalid="true"]') ?? form?.querySelector<HTMLElement>(".failed");
  open(first ?? null);
  first?.focus();
}
