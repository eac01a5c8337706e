// What the walk knows of the cluster: the examples of docs/page.md, which the Go test applies.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Reads what the Go test says: `url`, `users` (tokens by name), and `kubectl`, a command with an administrator's rights. */
export async function readWorld(file, out) {
  const { url, users, kubectl } = JSON.parse(await readFile(file, "utf8"));
  const [command, ...first] = kubectl;
  return {
    url,
    users,
    out,
    kubectl: async (...args) => (await run(command, [...first, ...args])).stdout.trim(),
    /** ann works here, and sees all namespaces; bob works in the other one, and sees no other. */
    home: "team-a",
    other: "team-b",
    /** Waits for GPUs. */
    waits: "training",
    /** Waits in the same queue, and goes first. */
    before: "evaluation",
    /** Runs, and is less important than what the priority class urgent says. */
    victim: "pretrain",
    /** Of the other namespace: it holds the most GPUs, this many. */
    holds: "finetune",
    held: "8",
  };
}
