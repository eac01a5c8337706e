import { describe, expect, it } from "vitest";
import { sameParts } from "./same";

describe("a row of a list", () => {
  const gang = { name: "training" };
  const row = { id: "a", gang, place: 3 as number | undefined, reason: "no room" };
  it("says the same if all of its parts are the same", () => {
    expect(sameParts(row, { ...row })).toBe(true);
  });
  it("says something else if a part is another one, or there is one more", () => {
    expect(sameParts(row, { ...row, place: 2 })).toBe(false);
    expect(sameParts(row, { ...row, place: undefined })).toBe(false);
    expect(sameParts(row, { ...row, gang: { name: "training" } })).toBe(false);
    expect(sameParts<object>(row, { ...row, setAside: {} })).toBe(false);
  });
});
