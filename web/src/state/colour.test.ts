import { describe, expect, test } from "vitest";
import { colourAt, colourOf, onDark, onLight } from "./colour";

const names = Array.from({ length: 3600 }, (_, i) => `team-${i % 7}/training-${i}`);

test("a name always has the same colour, another one in dark", () => {
  expect(colourOf("ml/training", onLight)).toBe(colourOf("ml/training", onLight));
  expect(colourOf("ml/training", onLight)).not.toBe(colourOf("ml/training", onDark));
});

test("names are spread over 36 colours, none of which has more than twice its part", () => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(colourOf(name, onLight), (counts.get(colourOf(name, onLight)) ?? 0) + 1);
  expect(counts.size).toBe(36);
  expect(Math.max(...counts.values())).toBeLessThan(200);
});

test("18 queues have 18 colours", () => {
  expect(new Set(Array.from({ length: 18 }, (_, i) => colourAt(i, onDark))).size).toBe(18);
});

describe("the contrast against what is free is 3:1", () => {
  // The values of --free in styles/base.css.
  test.each([
    ["light", onLight, "#e3e8ef"],
    ["dark", onDark, "#2a313b"],
  ] as const)("in %s", (_, lightness, free) => {
    for (const name of names)
      expect(contrast(luminanceOf(colourOf(name, lightness)), luminanceOfHex(free)), name).toBeGreaterThanOrEqual(3);
  });
});

function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** The relative luminance of an oklch() colour. https://bottosson.github.io/posts/oklab/ */
function luminanceOf(oklch: string): number {
  const [l = 0, c = 0, h = 0] = oklch.slice(6, -1).split(" ").map(Number);
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const z = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const within = (value: number) => Math.min(1, Math.max(0, value));
  const red = within(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z);
  const green = within(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z);
  const blue = within(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function luminanceOfHex(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
