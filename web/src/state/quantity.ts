// Kubernetes quantities as numbers: cores, bytes, pieces. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const factors: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const form = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** The number that a quantity stands for, NaN for what is none. */
export function parseQuantity(text: string): number {
  const found = form.exec(text.trim());
  if (!found) return NaN;
  const [, digits = "", exponent, suffix = ""] = found;
  if (exponent !== undefined) return Number(`${digits}e${exponent}`);
  const factor = factors[suffix] ?? NaN;
  // 500 / 1000 is exact where 500 * 0.001 may not be.
  return factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
}

const binary = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"];

/** Whether the resource is counted in bytes. */
export function inBytes(resource: string): boolean {
  return resource === "memory" || resource === "storage" || resource === "ephemeral-storage" || resource.startsWith("hugepages-");
}

/** Whether the resource is a device, such as nvidia.com/gpu: what a device plugin or a vendor adds has a domain in its name. */
export function isDevice(resource: string): boolean {
  return resource.includes("/");
}

/** The amount as a quantity that people read well: 250m and 3.5 for cpu, 61.5Gi for memory, 8 for devices. */
export function formatQuantity(resource: string, amount: number): string {
  if (inBytes(resource)) return formatBytes(amount);
  const thousandths = Math.round(amount * 1000);
  if (resource === "cpu" && thousandths !== 0 && Math.abs(thousandths) < 1000) return thousandths + "m";
  return String(thousandths / 1000);
}

function formatBytes(amount: number): string {
  for (const unit of binary) {
    const size = factors[unit] ?? 1;
    if (Math.abs(amount) < size) continue;
    const count = amount / size;
    return String(Math.abs(count) < 100 ? Math.round(count * 10) / 10 : Math.round(count)) + unit;
  }
  return String(Math.round(amount));
}

/** The amount with the name of the resource, such as "8 nvidia.com/gpu", "3.5 cpu", "64Gi memory". */
export function withName(resource: string, amount: number): string {
  return `${formatQuantity(resource, amount)} ${resource}`;
}

/** A part of a whole in percent: "33%", "<1%", and "0%" only for nothing. */
export function percent(part: number, whole: number): string {
  if (!(whole > 0) || part <= 0) return "0%";
  const share = (100 * part) / whole;
  return share < 1 ? "<1%" : Math.round(share) + "%";
}
