// What somebody who sees the page for the first time wants to know.
import { audit, goTo, signIn, textOf, waitForText } from "../browser.mjs";
import { check } from "../runner.mjs";

/** Asks the API itself, to compare with what the page shows. */
async function ask(reader, token, path) {
  const answer = await reader.context.request.get(new URL("/api/v1/" + path, reader.url).href, {
    headers: { Authorization: "Bearer " + token },
  });
  check(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

export function questions({ users, gangs, device, holder, out }) {
  const { waits, before, holds } = gangs;
  const story = `gangs/${waits.namespace}/${waits.name}/story`;
  let told;
  return [
    [
      "the page asks for a token, and looks well without one",
      async ({ page }) => {
        await page.getByRole("dialog").waitFor();
        await audit(page, out, "sign in");
      },
    ],
    [
      "the first screen shows the gangs that wait, and those that run",
      async ({ page }) => {
        await signIn(page, users.ann);
        await waitForText(page, waits.name);
        await waitForText(page, holds.name);
        await audit(page, out, "work");
      },
    ],
    [
      "who is before it: the gang that goes first is above it",
      async ({ page }) => {
        const text = await page.getByRole("main").innerText();
        const [first, second] = [text.indexOf(before.name), text.indexOf(waits.name)];
        check(first >= 0 && first < second, `${before.name} is at ${first}, ${waits.name} at ${second}`);
      },
    ],
    [
      `why ${waits.name} waits: one click, and the sentence is there`,
      async (reader) => {
        told = await ask(reader, users.ann, story);
        await reader.page.getByRole("link", { name: waits.name }).first().click();
        await reader.page.getByRole("heading", { level: 1, name: new RegExp(waits.name) }).waitFor();
        const why = told.why || told.gang?.reason;
        check(why, "the API does not say why it waits");
        await waitForText(reader.page, why.split(":")[0]);
      },
    ],
    [
      "what would make it start: all that the API knows is there",
      async ({ page }) => {
        check(told.help?.length > 0, "the API does not say what would help");
        for (const help of told.help) await waitForText(page, help);
        await audit(page, out, "gang");
      },
    ],
    [
      `which team holds ${device}: the queues say it, with the number`,
      async (reader) => {
        await goTo(reader.page, "#/queues");
        const { items } = await ask(reader, users.ann, "queues");
        const uses = items.find((queue) => queue.name === holder)?.uses?.[device];
        check(uses, `the API does not say how much of ${device} ${holder} uses`);
        await waitForText(reader.page, holder);
        const rows = reader.page.getByRole("row").filter({ hasText: holder });
        await rows.first().waitFor();
        const text = (await rows.allInnerTexts()).join(" ");
        check(text.includes(uses), `the rows of ${holder} do not say ${uses}: ${text}`);
        await audit(reader.page, out, "queues");
      },
    ],
    [
      "where everything is: the cluster shows it, and leads to the gang",
      async ({ page }) => {
        await goTo(page, "#/cluster");
        await waitForText(page, holds.name);
        await audit(page, out, "cluster");
      },
    ],
    [
      "a screen that does not exist says so",
      async ({ page }) => {
        await page.evaluate(() => (location.hash = "#/nowhere"));
        await waitForText(page, "There is no such screen");
        await audit(page, out, "nowhere");
      },
    ],
    [
      "signing out leaves nothing on the page, in the address or in storage",
      async ({ page }) => {
        await goTo(page, `#/gangs/${waits.namespace}/${waits.name}`);
        await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Sign out" }).click()]);
        await page.getByRole("dialog").waitFor();
        check(!(await textOf(page)).includes(waits.name), "the gang is still on the page");
        check(!page.url().includes(waits.name), "the gang is still in the address");
        const kept = await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length);
        check(kept === 0, `${kept} things are still in storage`);
      },
    ],
  ];
}
