// Walks through the page as its readers do, against a kubenexus serve that runs:
//
//   node web/test/walk.mjs --url https://127.0.0.1:8443 --tokens FILE --out DIR
//
// FILE says who there is, and what is in the cluster:
//
//   {
//     "users":  {"ann": TOKEN, "bob": TOKEN},         ann sees all namespaces; bob only his own
//     "home":   {"ann": "team-a", "bob": "team-b"},   where they submit
//     "gangs":  {
//       "waits":  {"namespace": "team-a", "name": "training"},    waits for capacity
//       "before": {"namespace": "team-a", "name": "earlier"},     waits in the same queue, and goes first
//       "holds":  {"namespace": "team-b", "name": "sweep"}        runs, and has what the others wait for
//     },
//     "device": "nvidia.com/gpu",                     what they wait for
//     "holder": "team-b",                             the queue that has most of it
//     "secret": ["team-a", "training", "earlier"],    what bob must not read anywhere
//     "image":  "busybox:1.37"
//   }
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { openBrowser, openPage } from "./browser.mjs";
import { Walk } from "./runner.mjs";
import { keyboard } from "./steps/keyboard.mjs";
import { forms } from "./steps/forms.mjs";
import { questions } from "./steps/questions.mjs";
import { rights } from "./steps/rights.mjs";

const { values } = parseArgs({ options: { url: { type: "string" }, tokens: { type: "string" }, out: { type: "string" } } });
if (!values.url || !values.tokens || !values.out) {
  console.error("usage: node walk.mjs --url URL --tokens FILE --out DIR");
  process.exit(2);
}
await mkdir(values.out, { recursive: true });
const world = { ...JSON.parse(await readFile(values.tokens, "utf8")), url: values.url, out: values.out };
const browser = await openBrowser();
const walk = new Walk(values.out);
try {
  const open = () => openPage(browser, world.url);
  await walk.as("ann", open, questions(world));
  await walk.as("bob", open, rights(world));
  await walk.as("ann", open, forms(world));
  await walk.as("ann, by keyboard", open, keyboard(world));
} finally {
  await browser.close();
}
if (walk.failed > 0) {
  console.log(`${walk.failed} of the readers did not get to the end; the screenshots are in ${world.out}`);
  process.exitCode = 1;
}
