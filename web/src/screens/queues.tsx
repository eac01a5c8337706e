import type { Route } from "../state/route";

export function Queues(_: { route: Route }) {
  return <h1>Queues</h1>;
}
