import type { Route } from "../state/route";

export function Submit(_: { route: Route }) {
  return <h1>Submit</h1>;
}
