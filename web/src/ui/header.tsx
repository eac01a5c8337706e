import { useEffect, useRef, useState } from "preact/hooks";
import { connection, gangs, problem } from "../state/gangs";
import { to } from "../state/route";
import { shortName } from "../state/reader";
import { asking, choose, namespace, refused, signOut, token, user } from "../state/session";
import { nameOfNamespace } from "./scope";

export function Header({ menu, current }: { menu: { name: string; title: string }[]; current: string }) {
  return (
    <header class="top">
      <a class="brand" href={to("work")}>
        KubeNexus
      </a>
      <nav aria-label="Screens">
        {menu.map(({ name, title }) => (
          <a key={name} href={to(name)} aria-current={name === current ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <NamespaceChoice />
      <Live />
      <Reader />
    </header>
  );
}

function NamespaceChoice() {
  const field = useRef<HTMLInputElement>(null);
  const [known, setKnown] = useState<string[]>([]);
  useEffect(() => {
    if (field.current) field.current.value = namespace.value;
  }, [namespace.value]);
  // Read when the field is entered, so that it costs nothing while thousands of gangs change.
  const learn = () => {
    const seen = new Set(known);
    for (const gang of gangs().values()) seen.add(gang.key.namespace);
    setKnown([...seen].sort().slice(0, 200));
  };
  return (
    <form
      class="namespace"
      onSubmit={(event) => {
        event.preventDefault();
        choose(field.current?.value.trim() ?? "");
      }}
    >
      <label>
        Namespace
        <input
          ref={field}
          {...nameOfNamespace}
          list="namespaces"
          placeholder="all"
          onFocus={learn}
          onChange={(event) => event.currentTarget.form?.requestSubmit()}
        />
      </label>
      <datalist id="namespaces">
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}

const said = { connecting: "connecting", live: "live", lost: "no connection: trying again" };

function Live() {
  let look = { connecting: "", live: "on", lost: "lost" }[connection.value];
  let text = said[connection.value];
  if (!token.value || refused.value) [look, text] = ["lost", "not signed in"];
  else if (problem.value) [look, text] = ["lost", "not live"]; // the screens say why
  return (
    <span class={"live " + look} role="status">
      {text}
    </span>
  );
}

function Reader() {
  if (!token.value || refused.value) {
    return (
      <>
        <button type="button" class="primary" onClick={() => (asking.value = true)}>
          Sign in
        </button>
        {token.value && <SignOut />}
      </>
    );
  }
  return (
    <>
      {user.value && (
        <span class="user" title={user.value}>
          {shortName(user.value)}
        </span>
      )}
      <SignOut />
    </>
  );
}

function SignOut() {
  return (
    <button type="button" class="quiet" onClick={signOut}>
      Sign out
    </button>
  );
}
