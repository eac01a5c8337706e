// What somebody who sees the page for the first time wants to know.
import { audit, goTo, screenshot, signIn, textOf, waitForText } from "../browser.mjs";
import { check } from "../runner.mjs";

/** Asks the API itself, to compare with what the page shows. */
async function ask(reader, token, path) {
  const answer = await reader.context.request.get(new URL("/api/v1/" + path, reader.url).href, {
    headers: { Authorization: "Bearer " + token },
  });
  check(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

export function questions({ users, home, gangs, device, holder, out }) {
  const waits = gangs.waits.name;
  const before = gangs.before.name;
  const holds = gangs.holds.name;
  let told;
  return [
    [
      "the page asks for a token",
      async ({ page }) => {
        await page.getByRole("dialog").waitFor();
        await audit(page, "sign in");
      },
    ],
    [
      "the first screen shows the gangs that wait, and those that run",
      async ({ page }) => {
        await signIn(page, users.ann);
        await waitForText(page, waits);
        await waitForText(page, holds);
        await screenshot(page, out, "work");
        await audit(page, "work");
      },
    ],
    [
      "which team holds the GPUs: the first screen has the number",
      async (reader) => {
        const { items } = await ask(reader, users.ann, "queues");
        const held = items.find((queue) => queue.name === holder)?.uses?.[device];
        check(held, `the API does not say how much of ${device} ${holder} uses`);
        const rows = await reader.page.getByRole("main").getByRole("row").filter({ hasText: home.bob }).allInnerTexts();
        const says = rows.some((row) => new RegExp(`\\b${held}\\b`).test(row));
        check(says, `no row says that ${home.bob} has ${held}: ${rows.join("; ")}`);
      },
    ],
    [
      "the gang that goes first is above it",
      async ({ page }) => {
        const names = await page.getByRole("main").getByRole("link").allInnerTexts();
        const [first, second] = [before, waits].map((name) => names.findIndex((text) => text.includes(name)));
        check(first >= 0 && first < second, `the links are ${names.join(", ")}`);
      },
    ],
    [
      "what would help, in a phrase, without a click",
      async (reader) => {
        const { items } = await ask(reader, users.ann, "order");
        const short = items.find(({ shortage }) => shortage?.members > 0);
        check(short, `the API does not say what any gang lacks: ${JSON.stringify(items)}`);
        const row = reader.page.getByRole("main").getByRole("row").filter({ hasText: short.key.name });
        await row.getByText(/^Helps: /).waitFor();
      },
    ],
    [
      "why it waits: one click, and the sentence is there",
      async (reader) => {
        told = await ask(reader, users.ann, `gangs/${home.ann}/${waits}/story`);
        await reader.page.getByRole("link", { name: waits }).first().click();
        await reader.page.getByRole("heading", { level: 1, name: new RegExp(waits) }).waitFor();
        const why = told.why || told.gang?.reason;
        check(why, "the API does not say why it waits");
        await waitForText(reader.page, why.split(":")[0]);
      },
    ],
    ["who is before it: its story lists that gang", ({ page }) => waitForText(page, before)],
    [
      "what would make it start: all that the API knows is there",
      async ({ page }) => {
        check(told.help?.length > 0, "the API does not say what would help");
        for (const help of told.help) await waitForText(page, help);
        check(told.next, `the API does not say what would happen now: ${told.leftOut?.join("; ")}`);
        const next = await page.getByRole("region", { name: "If it were tried now" }).innerText();
        check(/would (wait|start)/.test(next) && /would have a node/.test(next), `what would happen now is ${next}`);
        await screenshot(page, out, "gang");
        await audit(page, "gang");
      },
    ],
    [
      "what the one before it asks for: its story says what its annotations mean",
      async ({ page }) => {
        await page.getByRole("region", { name: "Before it" }).getByRole("link", { name: before }).click();
        await page.getByRole("heading", { level: 1, name: new RegExp(before) }).waitFor();
        await page.getByRole("region", { name: "As understood" }).getByText("all members in one example.com/rack").waitFor();
        await page.getByRole("region", { name: "What the scheduler says" }).getByText("did not start").waitFor();
        await audit(page, "gang before");
      },
    ],
    [
      "where is room: the cluster shows what runs, and what would fit",
      async ({ page }) => {
        await goTo(page, "#/cluster");
        await waitForText(page, holds);
        await waitForText(page, /would fit/i);
        await screenshot(page, out, "cluster");
        await audit(page, "cluster");
      },
    ],
    [
      "whose turn is it: the queues show what each uses",
      async (reader) => {
        const { page } = reader;
        await goTo(page, "#/queues");
        for (const { name } of (await ask(reader, users.ann, "queues")).items) await waitForText(page, name);
        await screenshot(page, out, "queues");
        await audit(page, "queues");
      },
    ],
    [
      "a screen that does not exist says so",
      async ({ page }) => {
        await page.evaluate(() => (location.hash = "#/nowhere"));
        await waitForText(page, "There is no such screen");
        await audit(page, "nowhere");
      },
    ],
    [
      "signing out leaves nothing on the page, in the address or in storage",
      async ({ page }) => {
        await goTo(page, `#/gangs/${home.ann}/${waits}`);
        await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Sign out" }).click()]);
        await page.getByRole("dialog").waitFor();
        check(!(await textOf(page)).includes(waits), "the gang is still on the page");
        check(!page.url().includes(waits), "the gang is still in the address");
        const kept = await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length);
        check(kept === 0, `${kept} things are still in storage`);
      },
    ],
  ];
}
