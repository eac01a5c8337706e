import { isDevice, parseQuantity, withName } from "./quantity";

/** What a gang asks for, in short: devices first, then cpu and memory. */
export function briefly(requests: Record<string, string> | undefined): string {
  return Object.entries(requests ?? {})
    .filter(([resource, text]) => (isDevice(resource) || resource === "cpu" || resource === "memory") && parseQuantity(text) > 0)
    .sort(([a], [b]) => Number(isDevice(b)) - Number(isDevice(a)) || (a < b ? -1 : 1))
    .map(([resource, text]) => withName(resource, parseQuantity(text)))
    .join(", ");
}
