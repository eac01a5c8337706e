// Takes the steps of docs/page.md in a browser, against a kubenexus serve that runs. The test in test/page starts all that is needed, and then:
//
//   node test/walk.mjs --url https://127.0.0.1:8443 --tokens FILE --out DIR
//
// world.mjs says what is in FILE.
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { openBrowser, openPage } from "./browser.mjs";
import { Walk } from "./runner.mjs";
import { expiry } from "./steps/expiry.mjs";
import { forms } from "./steps/forms.mjs";
import { keyboard } from "./steps/keyboard.mjs";
import { questions } from "./steps/questions.mjs";
import { rights } from "./steps/rights.mjs";
import { readWorld } from "./world.mjs";

const { values } = parseArgs({ options: { url: { type: "string" }, tokens: { type: "string" }, out: { type: "string" } } });
if (!values.url || !values.tokens || !values.out) {
  console.error("usage: node test/walk.mjs --url URL --tokens FILE --out DIR");
  process.exit(2);
}
await mkdir(values.out, { recursive: true });
const world = await readWorld(values.tokens, values.url, values.out);
const browser = await openBrowser();
const walk = new Walk(world.out);
try {
  const open = () => openPage(browser, world.url);
  await walk.as("ann", open, questions(world));
  await walk.as("bob", open, rights(world));
  await walk.as("temp", open, expiry(world));
  await walk.as("ann", open, forms(world));
  await walk.as("ann, by keyboard", open, keyboard(world));
} finally {
  await browser.close();
}
if (walk.failed > 0) {
  console.log(`${walk.failed} of the readers did not get to the end`);
  process.exitCode = 1;
}
