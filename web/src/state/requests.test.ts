import { expect, test } from "vitest";
import { briefly } from "./requests";

test("devices come first, then cpu and memory", () => {
  expect(briefly({ memory: "16Gi", cpu: "3500m", "nvidia.com/gpu": "8", "ephemeral-storage": "1Gi" })).toBe(
    "8 nvidia.com/gpu, 3.5 cpu, 16Gi memory",
  );
});

test("what is not asked for is left out", () => {
  expect(briefly({ cpu: "0" })).toBe("");
  expect(briefly(undefined)).toBe("");
});
