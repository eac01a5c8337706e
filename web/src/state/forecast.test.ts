import { describe, expect, it } from "vitest";
import { lack, startOf, whose } from "./forecast";

function victim(namespace: string, name: string, gang = "") {
  return { namespace, name, node: "n1", priority: 0, reason: "InQueue", ...(gang && { gang }) };
}

describe("whose pods would be preempted", () => {
  it("is said by gang, the one that loses most first, then pods without a gang, then those that are hidden", () => {
    const victims = [victim("a", "x-0", "x"), victim("c", "alone"), victim("b", "y-0", "y"), victim("b", "y-1", "y")];
    expect(whose({ victims, hiddenVictims: 2 })).toBe(
      "gang b/y (2 pods), gang a/x (1 pod), pod c/alone, 2 pods in namespaces that you may not see",
    );
  });
  it("keeps gangs of the same name in different namespaces apart", () => {
    expect(whose({ victims: [victim("a", "x-0", "x"), victim("b", "x-0", "x")] })).toBe("gang a/x (1 pod), gang b/x (1 pod)");
  });
  it("names five, and counts the rest", () => {
    const victims = [0, 1, 2, 3, 4, 5, 6].map((n) => victim("a", `p-${n}`, `g${n}`));
    expect(whose({ victims })).toMatch(/gang a\/g4 \(1 pod\), 2 more$/);
  });
  it("is a number alone if the reader may see none of them", () => {
    expect(whose({ hiddenVictims: 1 })).toBe("1 pod in namespaces that you may not see");
  });
});

describe("what a gang lacks", () => {
  it("is said in numbers", () => {
    expect(lack({ shortage: { members: 2, resource: "cpu", each: "3", largest: "1" } })).toBe(
      "2 more pods would need a node; each requests 3 of cpu; the node with the most free has 1",
    );
  });
  it("is empty if it is no single resource", () => {
    expect(lack({ shortage: { anything: true } })).toBe("");
    expect(lack({})).toBe("");
  });
});

describe("when it would start", () => {
  const at = "2026-01-01T10:00:00Z";
  it.each([
    ["2026-01-01T10:01:30Z", "in about 90s, when gang ml/r2 ends"],
    ["2026-01-01T10:30:10Z", "in about 30m, when gang ml/r2 ends"],
    ["2026-01-01T13:30:00Z", "in about 3h 30m, when gang ml/r2 ends"],
    ["2026-01-01T09:00:00Z", "in about 0s, when gang ml/r2 ends"],
  ])("%s", (startsAt, said) => {
    expect(startOf({ at, startsAt, after: "gang ml/r2" })).toBe(said);
  });
  it("is not known without an estimate", () => {
    expect(startOf({ at })).toBe("");
  });
});
