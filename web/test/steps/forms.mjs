// What-if and submit, and what happens to what was typed.
import { audit, goTo, screenshot, signIn, waitForText } from "../browser.mjs";
import { check } from "../runner.mjs";

export function forms({ users, home, gangs, image, out }) {
  const name = "urgent";
  const field = (page, label) => page.getByRole("main").getByLabel(label, { exact: true });
  const press = (page, label) => page.getByRole("main").getByRole("button", { name: label, exact: true }).click();
  const submitted = [];
  return [
    [
      "a link asks what would happen, with its numbers in the fields",
      async ({ page }) => {
        await signIn(page, users.ann);
        await goTo(page, "#/what-if?cpu=1&memory=64Mi&replicas=2");
        check((await field(page, "CPU").inputValue()) === "1", "the CPU is not filled in");
        check((await field(page, "Pods").inputValue()) === "2", "the number of pods is not filled in");
        await field(page, "Namespace").fill(home.ann);
        await audit(page, "what if");
      },
    ],
    [
      "a wrong number is explained beside its field, which has the focus",
      async ({ page }) => {
        await field(page, "Start together").fill("3");
        await press(page, "Ask");
        await page.locator("#field-minAvailable[aria-invalid=true]").waitFor();
        const told = await page.locator("#field-minAvailable-wrong").innerText();
        check(told.includes("from 1 to 2"), `it says ${told}`);
        const at = await page.evaluate(() => document.activeElement?.id);
        check(at === "field-minAvailable", `the focus is on ${at}`);
        await audit(page, "what if wrong");
        await field(page, "Start together").fill("2");
      },
    ],
    [
      "with a higher priority it would preempt a gang, and the answer names it",
      async ({ page }) => {
        await goTo(page, "#/what-if?cpu=2&memory=4Gi&gpu=4&replicas=2&queue=research&priorityClass=urgent");
        await press(page, "Ask");
        const answer = page.getByRole("region", { name: "It would start after a preemption" });
        await answer.waitFor();
        await waitForText(page, `gang ${home.ann}/${gangs.runs.name} (1 pod)`);
        check(await answer.evaluate((section) => section === document.activeElement), "the answer does not have the focus");
        await screenshot(page, out, "what-if");
        await audit(page, "what if answer");
      },
    ],
    [
      "what was asked about can be submitted without typing it again",
      async ({ page }) => {
        page.on("request", (request) => {
          if (request.method() === "POST" && /\/jobs$/.test(request.url())) submitted.push(request.headers()["idempotency-key"]);
        });
        await page.getByRole("main").getByRole("link", { name: "Submit this" }).click();
        await page.getByRole("heading", { level: 1, name: "Submit" }).waitFor();
        check((await field(page, "GPUs").inputValue()) === "4", "the GPUs are gone");
        await field(page, "Name").fill(name);
        await field(page, "Image").fill(image);
        await field(page, "Command").fill("sleep 1h");
        await audit(page, "submit");
        await press(page, "Check");
        await waitForText(page, "Nothing was created");
        check(submitted.length === 0, "the check created something");
      },
    ],
    [
      "a lost answer, and a second click, create one gang",
      async ({ page }) => {
        let lost = 0;
        await page.route(/\/jobs$/, async (route) => {
          if (lost++ > 0) return route.continue();
          await route.fetch();
          await route.abort(); // the server has created it, and the reader does not learn of it
        });
        await press(page, "Submit");
        await press(page, "Try again");
        await page.getByRole("link", { name: `the story of gang ${name}` }).waitFor();
        check(submitted.length === 2 && submitted[0] === submitted[1], `the keys were ${submitted.join(" and ")}`);
        await page.unroute(/\/jobs$/);
        await audit(page, "submitted");
      },
    ],
    [
      "its story is one click away; it runs, and the story says whom it preempted",
      async ({ page }) => {
        await page.getByRole("link", { name: `the story of gang ${name}` }).click();
        await page.getByRole("heading", { level: 1, name: new RegExp(name) }).waitFor();
        await waitForText(page, /\bruns\b|Running/, 60_000);
        await waitForText(page, gangs.runs.name, 30_000);
      },
    ],
    [
      "the same name with something else is refused in the words of the server",
      async ({ page }) => {
        await goTo(page, "#/submit");
        await field(page, "Memory").fill("3Gi");
        await press(page, "Submit");
        await waitForText(page, "already exists");
        check(new Set(submitted).size === 2, "another content was sent with the same key");
        await audit(page, "submit twice");
      },
    ],
    [
      "a wrong manifest is refused with the place of the mistake",
      async ({ page }) => {
        await page.getByRole("tab", { name: "Manifest" }).click();
        await page.getByLabel("Manifest", { exact: true }).last().fill("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: other\n");
        await press(page, "Check");
        await waitForText(page, /document 1/);
        await audit(page, "manifest");
        await page.getByRole("tab", { name: "Form" }).click();
        check((await field(page, "Name").inputValue()) === name, "what was typed into the form is gone");
      },
    ],
    [
      "nothing that was typed is in storage",
      async ({ page }) => {
        const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
        check(kept === "{}", `in storage: ${Object.keys(JSON.parse(kept)).join(", ")}`);
      },
    ],
  ];
}
