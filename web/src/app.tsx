import type { ComponentType } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { followGangs } from "./state/gangs";
import { recall } from "./state/reader";
import { depth, type Route, route, to } from "./state/route";
import { asking, reader, token } from "./state/session";
import { Gang } from "./screens/gang";
import { Work } from "./screens/work";
import { Header } from "./ui/header";
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

const menu = Object.entries(screens)
  .filter(([, screen]) => screen.menu)
  .map(([name, { title }]) => ({ name, title }));

export function App() {
  useEffect(() => {
    void recall();
    return followGangs();
  }, []);
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
      <Header key={"header" + reader.value} menu={menu} current={screen} />
      <main ref={main} tabIndex={-1} key={"main" + reader.value}>
        {token.value === "" ? (
          <Nobody />
        ) : Show ? (
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

function Nobody() {
  return (
    <>
      <h1>Gangs, queues and nodes</h1>
      <p class="state">
        This page shows what your Kubernetes token may see.{" "}
        <button type="button" onClick={() => (asking.value = true)}>
          Sign in with a token
        </button>
      </p>
    </>
  );
}
