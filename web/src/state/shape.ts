import type { GangDetails, Story } from "../api/types";

/** What a gang asks for, as a link to the forms has it, so that the reader can change it and ask again. Empty if its pods ask for different things. */
export function shapeOf(gang: Pick<GangDetails, "needs" | "queue">, story: Story | undefined): Record<string, string> {
  const [ask, another] = story?.capacity?.asks ?? [];
  if (!ask || another) return {};
  const { minAvailable, have } = gang.needs;
  return {
    replicas: String(Math.max(have, minAvailable)),
    minAvailable: minAvailable > 0 ? String(minAvailable) : "",
    cpu: ask.requests["cpu"] ?? "",
    memory: ask.requests["memory"] ?? "",
    gpu: ask.requests["nvidia.com/gpu"] ?? "",
    queue: gang.queue ?? "",
  };
}
