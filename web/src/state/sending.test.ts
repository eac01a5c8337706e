import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null });
const { Refused, Unreachable } = await import("../api/client");
const { failureOf } = await import("./sending");
const { content, draft, fingerprint, keyOf, manifest, shownTab, type, typedNamespace } = await import("./draft");

describe("what failed", () => {
  const now = 1_000_000;
  it.each([
    [429, 5, now + 5000],
    [503, 0, now],
    [504, 0, now],
    [409, 0, undefined],
    [422, 0, undefined],
    [403, 0, undefined],
    [500, 0, undefined],
  ])("with status %d and Retry-After %d can be sent again from %d", (status, after, again) => {
    expect(failureOf(new Refused(status, {}, after), now).again).toBe(again);
  });
  it("because no answer came can be sent again at once", () => {
    expect(failureOf(new Unreachable(), now).again).toBe(now);
  });
});

describe("what is submitted", () => {
  it("has a key of its own, and the same one each time", () => {
    typedNamespace.value = "team-a";
    type("name", "first");
    const first = keyOf(content("submit"));
    expect(keyOf(content("submit"))).toBe(first);
    type("name", "second");
    expect(keyOf(content("submit"))).not.toBe(first);
    type("name", "first");
    expect(keyOf(content("submit"))).toBe(first);
    typedNamespace.value = "team-b";
    expect(keyOf(content("submit"))).not.toBe(first);
  });
  it("is JSON if it starts like it, or else YAML", () => {
    shownTab.value = "manifest";
    manifest.value = "\n {}";
    expect(content("submit").type).toBe("application/json");
    manifest.value = "kind: Job";
    expect(content("submit")).toMatchObject({ type: "application/yaml", body: "kind: Job" });
    shownTab.value = "form";
  });
  it("is refused before it is sent if it cannot be read", () => {
    draft.value = { ...draft.value, command: "echo 'a" };
    expect(() => content("submit")).toThrow(Refused);
    expect(fingerprint("submit")).toBe("");
  });
});
