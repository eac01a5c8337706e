import type { ComponentType } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { connection, followGangs, gangs, version } from "./state/gangs";
import { depth, type Route, route, to } from "./state/route";
import { choose, namespace, signOut, token } from "./state/session";
import { Gang } from "./screens/gang";
import { Work } from "./screens/work";
import { SignIn } from "./ui/signin";
import { Loading } from "./ui/states";

interface Screen {
  title: string;
  /** Whether the screen is in the menu. */
  menu: boolean;
  show: ComponentType<{ route: Route }>;
}

// The first screen is in the first load; what draws or asks for more comes when it is opened.
const screens: Record<string, Screen> = {
  work: { title: "Work", menu: true, show: Work },
  gangs: { title: "Gang", menu: false, show: Gang },
  cluster: { title: "Cluster", menu: true, show: lazy(() => import("./screens/cluster").then((m) => m.Cluster)) },
  queues: { title: "Queues", menu: true, show: lazy(() => import("./screens/queues").then((m) => m.Queues)) },
  "what-if": { title: "What if", menu: true, show: lazy(() => import("./screens/whatif").then((m) => m.WhatIf)) },
  submit: { title: "Submit", menu: true, show: lazy(() => import("./screens/submit").then((m) => m.Submit)) },
};

export function App() {
  useEffect(() => followGangs(), []);
  const { screen } = route.value;
  const main = useRef<HTMLElement>(null);
  const where = [screen, ...route.value.parts].join("/");
  const first = useRef(true);
  const shown = screens[screen];
  useEffect(() => {
    // Of several tabs, the reader wants to find that of a gang, so its name comes first.
    document.title = [...route.value.parts.toReversed(), shown?.title, "KubeNexus"].filter(Boolean).join(" · ");
    // Who follows a link by keyboard goes on at the top of what it led to.
    if (!first.current) main.current?.focus({ preventScroll: true });
    if (!first.current) scrollTo(0, depth());
    first.current = false;
  }, [where, shown]);
  const Show = shown?.show;
  return (
    <>
      <a class="skip" href={location.hash} onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <Header current={screen} />
      <main ref={main} tabIndex={-1} key={token.value === "" ? "nobody" : "reader"}>
        {Show ? (
          <Suspense fallback={<Loading what="this screen" />}>
            <Show route={route.value} />
          </Suspense>
        ) : (
          <p class="state">
            There is no such screen. <a href={to("work")}>Work</a> is the first one.
          </p>
        )}
      </main>
      <SignIn />
    </>
  );
}

function Header({ current }: { current: string }) {
  return (
    <header class="top">
      <a class="brand" href={to("work")}>
        KubeNexus
      </a>
      <nav aria-label="Screens">
        {Object.entries(screens)
          .filter(([, screen]) => screen.menu)
          .map(([name, screen]) => (
            <a key={name} href={to(name)} aria-current={name === current ? "page" : undefined}>
              {screen.title}
            </a>
          ))}
      </nav>
      <NamespaceChoice />
      <Live />
      <button type="button" class="quiet" onClick={signOut}>
        Sign out
      </button>
    </header>
  );
}

function NamespaceChoice() {
  void version.value;
  const names = [...new Set([...gangs().values()].map((gang) => gang.key.namespace))].sort().slice(0, 200);
  return (
    <form
      class="namespace"
      onSubmit={(event) => {
        event.preventDefault();
        choose(String(new FormData(event.currentTarget).get("namespace") ?? "").trim());
      }}
    >
      <label>
        Namespace
        <input
          name="namespace"
          list="namespaces"
          placeholder="all"
          autocomplete="off"
          spellcheck={false}
          defaultValue={namespace.value}
          onChange={(event) => event.currentTarget.form?.requestSubmit()}
        />
      </label>
      <datalist id="namespaces">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}

const said = { connecting: "connecting", live: "live", lost: "no connection: trying again" };

function Live() {
  return (
    <span class={"live " + connection.value} role="status">
      {said[connection.value]}
    </span>
  );
}
