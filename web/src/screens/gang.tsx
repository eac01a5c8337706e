import type { Route } from "../state/route";

export function Gang(_: { route: Route }) {
  return <h1>Gang</h1>;
}
