import type { Route } from "../state/route";

export function Work(_: { route: Route }) {
  return <h1>Work</h1>;
}
