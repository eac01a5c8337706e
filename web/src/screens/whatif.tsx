import type { Route } from "../state/route";

export function WhatIf(_: { route: Route }) {
  return <h1>WhatIf</h1>;
}
