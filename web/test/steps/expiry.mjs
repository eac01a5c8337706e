// A token that Kubernetes does not accept any more, and one that is forged. What was typed survives both.
import { audit, goTo, signIn, typeToken, waitForText } from "../browser.mjs";
import { check } from "../runner.mjs";

/** A token with a signature that is none. */
function forged(token) {
  const parts = token.split(".");
  const signature = parts.pop() ?? "";
  return [...parts, [...signature].reverse().join("")].join(".");
}

export function expiry({ users, home: { ann: home }, kubectl }) {
  const token = async () => {
    await kubectl("-n", home, "create", "serviceaccount", "temp");
    return kubectl("-n", home, "create", "token", "temp");
  };
  const field = (page, label) => page.getByRole("main").getByLabel(label, { exact: true });
  const expire = async (page) => {
    await kubectl("-n", home, "delete", "serviceaccount", "temp");
    // The API server may remember for some seconds that the token was valid.
    for (let tries = 0; tries < 30 && !(await page.getByRole("dialog").isVisible()); tries++) {
      await page.waitForTimeout(1000);
      await page.evaluate(() => document.querySelector("form.gang")?.requestSubmit());
    }
  };
  return [
    [
      "a forged token is refused",
      async ({ page }) => {
        const first = await token();
        await typeToken(page, forged(first));
        await page.getByRole("dialog").getByText("does not accept this token").waitFor();
        await audit(page, "forged");
        await signIn(page, first);
      },
    ],
    [
      "what he may not do is refused in the words of the server",
      async ({ page }) => {
        await goTo(page, "#/what-if?cpu=2&replicas=3");
        await field(page, "Namespace").fill(home);
        await field(page, "Memory").fill("5Gi");
        await page.getByRole("button", { name: "Ask", exact: true }).click();
        await waitForText(page, "cannot create resource");
        await audit(page, "what if without rights");
      },
    ],
    [
      "a token that is not valid any more is refused over the page",
      async ({ page }) => {
        await expire(page);
        await page.getByRole("dialog").getByText("has expired").waitFor();
        await audit(page, "expired");
      },
    ],
    [
      "a forged token is refused there too",
      async ({ page }) => {
        await typeToken(page, forged(users.ann));
        await page.getByRole("dialog").getByText("does not accept this token").waitFor();
      },
    ],
    [
      "with a new token, nothing that was typed is lost, and one click sends it",
      async ({ page }) => {
        await signIn(page, await token());
        const typed = await Promise.all(["Namespace", "CPU", "Pods", "Memory"].map((label) => field(page, label).inputValue()));
        check(typed.join() === [home, "2", "3", "5Gi"].join(), `the fields have ${typed.join()}`);
        await page.getByRole("button", { name: "Send it now" }).click();
        await waitForText(page, "cannot create resource");
      },
    ],
    [
      "who signs in as somebody else sees nothing of before, and still has what was typed",
      async ({ page }) => {
        await expire(page);
        await signIn(page, users.ann);
        check((await page.getByText("cannot create resource").count()) === 0, "what temp was told is still there");
        check((await field(page, "Memory").inputValue()) === "5Gi", "what was typed is gone");
      },
    ],
  ];
}
