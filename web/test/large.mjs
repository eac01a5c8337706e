// Measures the page with many gangs and nodes, against a kubenexus serve that runs. The test in test/page starts all that is needed, and then:
//
//   TOKEN=... node test/large.mjs --url https://127.0.0.1:8443 --gangs 300 --churn 20s
//
// It prints "churn begins" when gangs are to come and go, and "churn ends" when none of those is to be left. It fails if the first load is too
// large, or if memory grows.
import { parseArgs } from "node:util";
import { openBrowser } from "./browser.mjs";
import { check } from "./runner.mjs";

/** The most that the first load may have, compressed. */
const mostBytes = 150_000;
/** How much more memory there may be at the end: a part of that at the begin, and what the engine keeps of its own. */
const mostGrowth = (begin) => 0.2 * begin + 5e6;
/** How long the page may take for something. */
const patience = 120_000;
// How often the heap is looked at while gangs come and go.
const heapSamples = 10;

const { values } = parseArgs({ options: { url: { type: "string" }, gangs: { type: "string" }, churn: { type: "string" } } });
if (!values.url || !values.gangs || !values.churn || !process.env.TOKEN) {
  console.error("usage: TOKEN=... node test/large.mjs --url URL --gangs NUMBER --churn DURATION");
  process.exit(2);
}
const browser = await openBrowser();
try {
  await measure(browser, values.url, Number(values.gangs), milliseconds(values.churn));
} finally {
  await browser.close();
}

async function measure(browser, url, gangs, churn) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
  await context.addInitScript(prepare, process.env.TOKEN);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  await page.waitForFunction(() => window.measured.synced !== undefined, undefined, { timeout: patience });

  const load = await page.evaluate(() => window.measured.load());
  say("first load, compressed", `${(load.bytes / 1000).toFixed(1)} KB`);
  say("first contentful paint", time(load.paint));
  say("first rows", time(load.rows));
  say("all gangs read", time(load.synced));
  say("longest task until then", time(await longestTask(page)));
  check(load.bytes <= mostBytes, `the first load has ${load.bytes} bytes, and may have ${mostBytes}`);

  const all = await awaitGangs(page, (count) => count >= gangs);
  const session = await context.newCDPSession(page);
  const begin = await heap(session);
  await page.evaluate(() => window.measured.begin());
  console.log("churn begins");
  const heaps = [];
  for (let i = 0; i < heapSamples; i++) {
    await page.waitForTimeout(churn / heapSamples);
    heaps.push(`${((await heap(session)) / 1e6).toFixed(1)}`);
  }
  const { frames, updates } = await page.evaluate(() => window.measured.end());
  console.log("churn ends");
  check(updates > 0, "the list did not change while gangs came and went");
  say("longest task while gangs come and go", time(await longestTask(page)));
  say("frames, 50th, 95th, 99th percentile", [50, 95, 99].map((part) => time(percentileOfCounts(frames, part))).join(", "));
  say("updates of the list a second", ((1000 * updates) / churn).toFixed(1));
  await awaitGangs(page, (count) => count === all);
  const end = await heap(session);
  say("JS heap meanwhile, MB", heaps.join(" "));
  say("JS heap before and after", `${(begin / 1e6).toFixed(1)} MB, ${(end / 1e6).toFixed(1)} MB`);

  await drawings(page);
  check(errors.length === 0, `errors in the page: ${errors.join("\n")}`);
  check(end - begin <= mostGrowth(begin), `the heap grew from ${begin} to ${end} bytes`);
}

/** The time of one draw of the picture of the nodes, in script, and until its pixels are there. */
async function drawings(page) {
  await page.evaluate(() => (location.hash = "#/cluster"));
  await page.waitForFunction(() => window.measured.draws.length > 0, undefined, { timeout: patience });
  for (const colorScheme of ["dark", "light", "dark", "light"]) {
    const drawn = await page.evaluate(() => window.measured.draws.length);
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction((drawn) => window.measured.draws.length > drawn, drawn, { timeout: patience });
  }
  const draws = await page.evaluate(() => window.measured.draws);
  const script = draws.map((draw) => draw.script);
  const pixels = draws.map((draw) => draw.pixels);
  say("a draw of the nodes, median", `${time(percentile(script, 50))}, with its pixels ${time(percentile(pixels, 50))}`);
  say("longest task on that screen", time(await longestTask(page)));
}

// Runs in the page, before its scripts.
function prepare(token) {
  sessionStorage.setItem("kubenexus.token", token);
  const measured = { draws: [], tasks: [], rows: undefined, synced: undefined };
  window.measured = measured;
  new PerformanceObserver((list) => measured.tasks.push(...list.getEntries().map((task) => task.duration))).observe({ type: "longtask" });

  const look = () => {
    if (measured.rows === undefined && document.querySelector("table.list tr[data-id]")) measured.rows = performance.now();
    const summary = document.querySelector(".summary")?.textContent;
    if (summary && !summary.includes("Reading more")) measured.synced = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);

  // A draw asks for the context first, and is over when the scripts that run are.
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (...what) {
    const context = real.apply(this, what);
    if (this.id !== "picture") return context;
    const from = performance.now();
    queueMicrotask(() => {
      const script = performance.now() - from;
      context.getImageData(0, 0, 1, 1); // waits for the pixels
      measured.draws.push({ script, pixels: performance.now() - from });
    });
    return context;
  };

  measured.load = () => {
    const [navigation] = performance.getEntriesByType("navigation");
    const loaded = performance.getEntriesByType("resource").filter((entry) => entry.initiatorType !== "fetch");
    return {
      bytes: [navigation, ...loaded].reduce((sum, entry) => sum + entry.transferSize, 0),
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
      rows: measured.rows,
      synced: measured.synced,
    };
  };

  // Where the frames are 17 ms apart, nothing lags.
  measured.begin = () => {
    // How many frames took so many ms, 4 s or longer in the last: as many numbers after an hour as after a second.
    const frames = new Array(4001).fill(0);
    let updates = 0;
    let last = performance.now();
    let running = true;
    const frame = (now) => {
      frames[Math.min(frames.length - 1, Math.round(now - last))]++;
      last = now;
      if (running) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const observer = new MutationObserver(() => updates++);
    observer.observe(document.querySelector("main"), { childList: true, characterData: true, subtree: true });
    measured.end = () => {
      running = false;
      observer.disconnect();
      return { frames, updates };
    };
  };
}

/** The longest task since it was asked for last; 0 if none took 50 ms. */
function longestTask(page) {
  return page.evaluate(() => Math.max(0, ...window.measured.tasks.splice(0)));
}

/** Waits until the page says that so many gangs wait and run, and returns how many. */
async function awaitGangs(page, enough) {
  const until = Date.now() + patience;
  for (;;) {
    const text = await page.locator(".summary").innerText();
    const [waits = 0, runs = 0] = [...text.matchAll(/(\d+) gangs?/g)].map(([, number]) => Number(number));
    if (enough(waits + runs)) return waits + runs;
    if (Date.now() > until) throw new Error(`the page says: ${text}`);
    await page.waitForTimeout(200);
  }
}

/** The bytes of the heap that are in use once what nobody refers to is gone. */
async function heap(session) {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

function percentile(numbers, part) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * part) / 100))];
}

/** The percentile of numbers of which only is known how many are 0, 1, 2 and so on. */
function percentileOfCounts(counts, part) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  let before = Math.floor((all * part) / 100);
  return counts.findIndex((count) => (before -= count) < 0);
}

function time(milliseconds) {
  return milliseconds === undefined ? "unknown" : `${milliseconds.toFixed(1)} ms`;
}

function say(what, figure) {
  console.log(`${what.padEnd(40)} ${figure}`);
}

/** Reads a duration as Go writes it, such as 1m30s. */
function milliseconds(text) {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  return [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit], 0);
}
