import { beforeEach, describe, expect, it, vi } from "vitest";

// What the page has of a browser, as far as the session needs it.
const stored = new Map<string, string>();
vi.stubGlobal("sessionStorage", {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
  removeItem: (key: string) => stored.delete(key),
});
const { enter, shortName, tokenIn } = await import("./reader");
const { asking, reader, refuse, refused, token, user } = await import("./session");

const users: Record<string, string> = { "ann.1": "ann", "ann.2": "ann", "bob.1": "bob" };
vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
  const sent = new Headers(init.headers).get("Authorization")?.replace("Bearer ", "") ?? "";
  if (sent === "slow") return new Response("{}", { status: 429 });
  return sent in users ? Response.json({ user: users[sent] }) : Response.json({ detail: "no" }, { status: 401 });
});

describe("a token", () => {
  it("is read from what was pasted, with the lines that a terminal broke", () => {
    expect(tokenIn(" Bearer abc.\n  def \n")).toBe("abc.def");
  });
  it("names its user in short", () => {
    expect(shortName("system:serviceaccount:team-a:ann")).toBe("ann of team-a");
    expect(shortName("ann@example.com")).toBe("ann@example.com");
  });
});

describe("signing in", () => {
  beforeEach(async () => {
    await enter("ann.1", false);
  });

  it("with a token that Kubernetes refuses leaves the one before", async () => {
    expect(await enter("forged", true)).toContain("does not accept");
    expect([token.value, user.value, stored.size]).toEqual(["ann.1", "ann", 0]);
  });
  it("with what no header can carry is refused before it is sent", async () => {
    expect(await enter("“ann”", false)).toContain("not a token");
  });
  it("keeps the token only if asked to", async () => {
    await enter("ann.2", true);
    expect([...stored.values()]).toEqual(["ann.2"]);
    await enter("ann.1", false);
    expect(stored.size).toBe(0);
  });
  it("again as the same user, after the token expired, leaves the page as it is", async () => {
    const before = reader.value;
    refuse("ann.1", "it has expired");
    expect([asking.value, refused.value]).toEqual([true, "it has expired"]);
    await enter("ann.2", false);
    expect([asking.value, refused.value, reader.value]).toEqual([false, "", before]);
  });
  it("as somebody else takes from the page what the one before saw", async () => {
    const before = reader.value;
    await enter("bob.1", false);
    expect(reader.value).toBe(before + 1);
  });
  it("is not undone by a late answer to the token of before", async () => {
    await enter("ann.2", false);
    refuse("ann.1", "it has expired");
    expect(asking.value).toBe(false);
  });
});
