// What the walk through the page needs of a browser.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

/** How a page is looked at: the colours, and the width of the screen. */
export const looks = [
  { name: "light", colorScheme: "light", width: 1280 },
  { name: "dark", colorScheme: "dark", width: 1280 },
  { name: "narrow", colorScheme: "light", width: 360 },
];

/** Opens Chromium: that of the variable CHROMIUM, or the system's. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * Opens the page as a reader who has seen nothing yet. Errors of scripts and refusals of the Content-Security-Policy are collected in
 * `reader.errors`, and all that the API answers in `reader.answers`, with streams as far as they have come.
 */
export async function openPage(browser, url) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const reader = { context, page, url, errors: [], answers: new Map() };
  page.on("pageerror", (error) => reader.errors.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    // An answer of 4xx or 5xx is an error of the console too; what the page makes of it is what the walk looks at.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) reader.errors.push(text);
  });
  await page.exposeFunction("walkHears", (id, path, text) => {
    const heard = reader.answers.get(id) ?? { path, text: "" };
    heard.text += text;
    reader.answers.set(id, heard);
  });
  await page.addInitScript(listen);
  await page.goto(url);
  return reader;
}

// Runs in the page, before its scripts: hands on what each fetch answers. An answer that is a stream has no end to wait for.
function listen() {
  const real = window.fetch;
  const loaded = Math.random().toString(36).slice(2);
  let count = 0;
  window.fetch = async (...what) => {
    const answer = await real(...what);
    const id = `${loaded}-${count++}`;
    const copy = answer.clone().body?.pipeThrough(new TextDecoderStream()).getReader();
    const read = async () => {
      for (;;) {
        const { done, value } = await copy.read();
        if (done) return;
        await window.walkHears(id, answer.url, value);
      }
    };
    if (copy) read().catch(() => undefined); // given up by the page
    return answer;
  };
}

/** Types a token into the dialog. It does not wait for what comes of it. */
export async function typeToken(page, token) {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Token", { exact: true }).fill(token);
  await dialog.getByRole("button", { name: "Sign in" }).click();
}

export async function signIn(page, token) {
  await typeToken(page, token);
  await page.getByRole("dialog").waitFor({ state: "hidden" });
}

/** Goes to a screen by its address, such as "#/queues", within the page that is open. */
export async function goTo(page, hash) {
  await page.evaluate((to) => (location.hash = to), hash);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

/** The text that a reader sees. */
export function textOf(page) {
  return page.locator("body").innerText();
}

/** Waits until the page shows a text, and fails with what it shows in its place. */
export async function waitForText(page, text, within = 15_000) {
  const shows = (body) => (text instanceof RegExp ? text.test(body) : body.includes(text));
  const until = Date.now() + within;
  for (;;) {
    const body = await textOf(page);
    if (shows(body)) return body;
    if (Date.now() > until) throw new Error(`the page does not show ${text}; it shows:\n${body.slice(0, 3000)}`);
    await page.waitForTimeout(100);
  }
}

export async function screenshot(page, out, name) {
  const path = join(out, name.replace(/[^a-z0-9]+/gi, "-").toLowerCase() + ".png");
  await page.screenshot({ path });
  return path;
}

/** Looks at what is shown in light, dark and narrow: axe finds nothing wrong, and nothing is wider than the screen. */
export async function audit(page, name) {
  const wrong = [];
  const before = page.viewportSize();
  // evaluate is not subject to the Content-Security-Policy, so that stays as it is for the page itself.
  await page.evaluate(axe);
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width: look.width, height: 900 });
    await page.waitForTimeout(200);
    const { violations } = await page.evaluate(() =>
      window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }),
    );
    for (const { id, help, nodes } of violations) {
      wrong.push(`${name}, ${look.name}: ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    }
    const { wide, shown } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, shown: innerWidth }));
    if (wide > shown) wrong.push(`${name}, ${look.name}: it is ${wide} px wide on a screen of ${shown}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  if (before) await page.setViewportSize(before);
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}

/** What has the focus: its name, its role, and whether the focus can be seen. */
export function focused(page) {
  return page.evaluate(() => {
    const at = document.activeElement ?? document.body;
    const style = getComputedStyle(at);
    return {
      text: (at.getAttribute("aria-label") ?? at.labels?.[0]?.innerText ?? at.innerText ?? "").trim(),
      tag: at.tagName.toLowerCase(),
      id: at.id,
      seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
    };
  });
}

/** Presses Tab until something has the focus. Each stop on the way must be seen. */
export async function tabTo(page, what, is, most = 80) {
  const stops = [];
  for (let i = 0; i < most; i++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at.tag !== "body" && !at.seen) throw new Error(`the focus cannot be seen on ${at.tag} ${at.text}`);
    if (is(at)) return at;
    stops.push((at.text || at.tag).split("\n", 1)[0]);
  }
  throw new Error(`Tab does not lead to ${what}; it led to ${stops.join(" > ")}`);
}
