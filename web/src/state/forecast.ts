import type { Forecast } from "../api/types";

export const headings: Record<string, string> = {
  Starts: "It would start now",
  StartsAfterPreemption: "It would start after a preemption",
  Waits: "It would wait",
  Rejected: "The scheduler would not start it",
};

export function count(n: number, what: string): string {
  return n === 1 ? `1 ${what}` : `${n} ${what}s`;
}

/** Whose pods would be preempted, the most first: "gang team-b/sweep (3 pods), pod team-c/single, 2 pods that you may not see". */
export function whose(forecast: Pick<Forecast, "victims" | "hiddenVictims">): string {
  const gangs = new Map<string, number>();
  const parts: string[] = [];
  for (const { namespace, name, gang } of forecast.victims ?? []) {
    if (gang) gangs.set(`${namespace}/${gang}`, (gangs.get(`${namespace}/${gang}`) ?? 0) + 1);
    else parts.push(`pod ${namespace}/${name}`);
  }
  const most = [...gangs].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  parts.unshift(...most.map(([gang, pods]) => `gang ${gang} (${count(pods, "pod")})`));
  const rest = parts.length - listed;
  if (rest > 0) parts.splice(listed, rest, `${rest} more`);
  if (forecast.hiddenVictims) parts.push(`${count(forecast.hiddenVictims, "pod")} in namespaces that you may not see`);
  return parts.join(", ");
}

/** How many gangs and pods a sentence names. */
const listed = 5;

/** What the plan lacked, in numbers. */
export function lack(forecast: Pick<Forecast, "shortage">): string {
  const { resource, each, largest, members } = forecast.shortage ?? {};
  const parts: string[] = [];
  if (members) parts.push(`${count(members, "more pod")} would need a node`);
  if (resource && each) parts.push(`each requests ${each} of ${resource}`);
  if (resource && largest) parts.push(`the node with the most free has ${largest}`);
  return parts.join("; ");
}

/** When a gang that waits would start, as far as it is known: "in about 30m, when gang ml/r2 ends". */
export function startOf({ at, startsAt, after }: Pick<Forecast, "at" | "startsAt" | "after">): string {
  if (!startsAt) return "";
  const seconds = Math.max(0, Math.round((Date.parse(startsAt) - Date.parse(at)) / 1000));
  return `in about ${duration(seconds)}, when ${after || "what it waits for"} ends`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)}h` + (rest ? ` ${rest}m` : "");
}
