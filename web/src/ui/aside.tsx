import type { Order } from "../api/types";
import { until } from "./time";

/** What is set aside for a gang, and when it is expected to start, in one sentence. */
export function setAsideText({ held, of, startsAt, after }: NonNullable<Order["items"][number]["setAside"]>): string {
  const estimate = !startsAt ? "" : until(startsAt) === "now" ? "; starts any moment" : `; starts in about ${until(startsAt)}`;
  return `Set aside for it: ${held} of ${of}${estimate}${startsAt && after ? `, when ${after} ends` : ""}`;
}
