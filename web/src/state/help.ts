import type { Gang, Order } from "../api/types";
import { count } from "./forecast";
import { formatQuantity, parseQuantity } from "./quantity";

/** What would help a gang that waits, in a phrase; empty if only its turn would, or if that is unknown. */
export function helpOf(gang: Pick<Gang, "phase" | "needs">, shortage: Order["items"][number]["shortage"]): string {
  if (gang.phase === "Incomplete") {
    const missing = gang.needs.minAvailable - gang.needs.have;
    return missing > 0 ? `${missing} more of its pods` : "";
  }
  const { members = 0, resource, each, largest } = shortage ?? {};
  if (members === 0) return "";
  if (!resource || !each) return `room for ${count(members, "more pod")} where it may run`;
  const lacks = parseQuantity(each) - parseQuantity(largest ?? "0");
  if (members === 1 && lacks > 0) return `${formatQuantity(resource, lacks)} ${resource} more on a node where it may run`;
  return `room for ${count(members, "more pod")} where it may run, each with ${each} ${resource}`;
}
