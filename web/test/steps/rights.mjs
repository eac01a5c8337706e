// What a reader with few rights sees, and does not see.
import { audit, goTo, signIn, textOf, waitForText } from "../browser.mjs";
import { check } from "../runner.mjs";

export function rights({ users, home, gangs, secret }) {
  const waits = gangs.waits.name;
  const holds = gangs.holds.name;
  const screens = ["#/work", "#/cluster", "#/queues", "#/what-if", "#/submit", `#/gangs/${home.bob}/${holds}`];
  const heard = (reader) => [...reader.answers.values()].map(({ path, text }) => `${path}: ${text}`);
  const leaks = (texts) =>
    texts.flatMap((text) => secret.filter((word) => text.includes(word)).map((word) => `${word} is in ${text.slice(0, 200)}`));
  return [
    [
      "who may not see all namespaces sees that, and is asked for one right there",
      async ({ page }) => {
        await signIn(page, users.bob);
        await page.getByLabel("Namespace to show").waitFor();
        await audit(page, "no rights");
        for (const screen of ["#/queues", `#/gangs/${home.bob}/${holds}`]) {
          await goTo(page, screen);
          await page.getByLabel("Namespace to show").waitFor();
          await audit(page, "no rights on " + screen);
        }
        const suggested = await page.getByLabel("Namespace to show").inputValue();
        check(suggested === home.bob, `the story of his gang suggests ${suggested}`);
        await goTo(page, "#/work");
        await page.getByLabel("Namespace to show").fill(home.bob);
        await page.getByRole("button", { name: "Show it" }).click();
        await waitForText(page, holds);
      },
    ],
    [
      "nothing of a namespace that he may not see is on any screen, or in any answer",
      async (reader) => {
        for (const screen of screens) {
          await goTo(reader.page, screen);
          await reader.page.waitForTimeout(1000); // what is asked for comes
          check(leaks([await textOf(reader.page)]).length === 0, `${screen}: ${leaks([await textOf(reader.page)]).join("\n")}`);
        }
        check(leaks(heard(reader)).length === 0, leaks(heard(reader)).join("\n"));
        const heardStream = heard(reader).some((text) => text.includes("/watch?") && text.includes(holds));
        check(heardStream, "the walk did not hear the stream of gangs, so it cannot know");
      },
    ],
    [
      "the address of a gang that he may not see says that he may not, and nothing else",
      async (reader) => {
        reader.answers.clear();
        await goTo(reader.page, `#/gangs/${home.ann}/${waits}`);
        await waitForText(reader.page, /may not|forbidden|no such/i);
        await audit(reader.page, "gang without rights");
        for (const text of heard(reader)) check(!/"(reason|why|members|nodes)"/.test(text), `an answer tells of it: ${text}`);
      },
    ],
    [
      "the name of that namespace in the header says that he may not",
      async ({ page }) => {
        await goTo(page, "#/work");
        await page.getByRole("banner").getByLabel("Namespace").fill(home.ann);
        await page.keyboard.press("Enter");
        await waitForText(page, /may not|forbidden/i);
        check(!(await page.getByRole("main").innerText()).includes(waits), "a gang of it is shown");
      },
    ],
  ];
}
