// What the walk knows of the cluster: the file that the test in test/page writes.
//
//   {
//     "users":   {"ann": TOKEN, "bob": TOKEN},        ann sees all namespaces; bob only his own
//     "home":    {"ann": "vision", "bob": "speech"},  where they submit
//     "gangs":   {
//       "waits":  {"namespace": "vision", "name": "training"},     waits for what others hold
//       "before": {"namespace": "vision", "name": "evaluation"},   waits in the same queue, and goes first
//       "runs":   {"namespace": "vision", "name": "pretrain"},     runs in the same queue, and is less important than urgent
//       "holds":  {"namespace": "speech", "name": "finetune"}      runs, and has the most of what the others wait for
//     },
//     "device":  "nvidia.com/gpu",                    what they wait for
//     "holder":  "batch",                             the queue that has the most of it
//     "secret":  ["vision", "training", ...],         what bob must not read anywhere
//     "image":   "busybox:1.37",
//     "command": ["kubectl", ...]                     with an administrator's rights
//   }
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export async function readWorld(file, url, out) {
  const world = JSON.parse(await readFile(file, "utf8"));
  const [command, ...first] = world.command;
  return { ...world, url, out, kubectl: async (...args) => (await run(command, [...first, ...args])).stdout.trim() };
}
