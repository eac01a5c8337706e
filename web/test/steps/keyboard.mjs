// A reader without a mouse: nothing but Tab, Enter, arrows, and letters.
import { focused, tabTo, waitForText } from "../browser.mjs";
import { check } from "../runner.mjs";

export function keyboard({ users, home, gangs }) {
  const waits = gangs.waits.name;
  const before = gangs.before.name;
  const type = (page, text) => page.keyboard.type(text);
  return [
    [
      "the dialog has the focus in its field; Escape puts it off, and Enter signs in",
      async ({ page }) => {
        await page.getByRole("dialog").waitFor();
        const at = await focused(page);
        check(at.tag === "input" && at.text.startsWith("Token"), `the focus is on ${at.tag} ${at.text}`);
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "hidden" });
        await tabTo(page, "the button that signs in", (button) => button.text === "Sign in");
        await page.keyboard.press("Enter");
        await page.getByRole("dialog").waitFor();
        await page.keyboard.insertText(users.ann);
        await page.keyboard.press("Enter");
        await page.getByRole("dialog").waitFor({ state: "hidden" });
        await waitForText(page, waits);
      },
    ],
    [
      "the first stop skips to the content",
      async ({ page }) => {
        await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
        await tabTo(page, "the link that skips", (at) => at.text === "Skip to content", 40);
        await page.keyboard.press("Enter");
        check((await focused(page)).tag === "main", "the focus is not on the content");
      },
    ],
    [
      "Tab leads to the list, an arrow to the gang that waits, and Enter opens its story",
      async ({ page }) => {
        await tabTo(page, before, (at) => at.tag === "a" && at.text.includes(before));
        await page.keyboard.press("ArrowDown");
        check((await focused(page)).text.includes(waits), "the arrow does not lead to the next gang");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: new RegExp(waits) }).waitFor();
        check((await focused(page)).tag === "main", "the focus did not go along");
      },
    ],
    [
      "the menu leads to what-if, the form is filled, and Enter asks",
      async ({ page }) => {
        await tabTo(page, "What if", (at) => at.tag === "a" && at.text === "What if", 400);
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: "What if" }).waitFor();
        await tabTo(page, "the namespace", (at) => at.id === "field-namespace");
        await type(page, home.ann);
        await tabTo(page, "the tabs", (at) => at.id === "tab-form");
        await page.keyboard.press("ArrowRight");
        check((await focused(page)).id === "tab-manifest", "the arrow does not lead to the next tab");
        await page.keyboard.press("ArrowLeft");
        await tabTo(page, "the number of pods", (at) => at.id === "field-replicas");
        await type(page, "2");
        await tabTo(page, "the CPU", (at) => at.id === "field-cpu");
        await type(page, "1");
        await page.keyboard.press("Enter");
        await page.getByRole("region", { name: /would|not start/ }).waitFor();
        check(await page.evaluate(() => document.activeElement?.classList.contains("answer")), "the answer does not have the focus");
      },
    ],
  ];
}
