import { describe, expect, test } from "vitest";
import { formatQuantity, isDevice, parseQuantity, percent, withName } from "./quantity";

describe("parseQuantity", () => {
  test.each([
    ["16Gi", 16 * 2 ** 30],
    ["16G", 16e9],
    ["500m", 0.5],
    ["100u", 0.0001],
    ["1500m", 1.5],
    ["0.1", 0.1],
    [".5", 0.5],
    ["2.", 2],
    ["1e3", 1000],
    ["12E-1", 1.2],
    ["1E", 1e18],
    ["-1Ki", -1024],
    [" 8 ", 8],
  ])("%s is %d", (text, amount) => expect(parseQuantity(text)).toBe(amount));

  test.each(["", "Gi", "16gi", "16 Gi", "1K", "1,5", "NaN", "0x10", "1e"])("%j is no quantity", (text) => {
    expect(parseQuantity(text)).toBeNaN();
  });
});

describe("formatQuantity", () => {
  test.each([
    ["cpu", 0.25, "250m"],
    ["cpu", 3.5, "3.5"],
    ["cpu", 0.1 + 0.2, "300m"],
    ["cpu", 0, "0"],
    ["memory", 64 * 2 ** 30, "64Gi"],
    ["memory", 61.48 * 2 ** 30, "61.5Gi"],
    ["memory", 512 * 2 ** 40, "512Ti"],
    ["memory", 1000, "1000"],
    ["hugepages-2Mi", 4 * 2 ** 20, "4Mi"],
    ["nvidia.com/gpu", 8, "8"],
  ])("of %s: %d is %s", (resource, amount, text) => expect(formatQuantity(resource, amount)).toBe(text));

  test("names the resource where it is asked to", () => expect(withName("nvidia.com/gpu", 8)).toBe("8 nvidia.com/gpu"));
});

test("a device has a domain in its name", () => {
  expect(["cpu", "memory", "nvidia.com/gpu"].filter(isDevice)).toEqual(["nvidia.com/gpu"]);
});

test("a percentage is 0 only for nothing", () => {
  expect([percent(1, 3), percent(1, 1000), percent(0, 5), percent(1, 0)]).toEqual(["33%", "<1%", "0%", "0%"]);
});
