import type { Route } from "../state/route";

export function Cluster(_: { route: Route }) {
  return <h1>Cluster</h1>;
}
