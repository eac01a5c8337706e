import { signal } from "@preact/signals";

/** The colours of the picture of the cluster. A canvas does not know the custom properties of the style sheets, so they are here again. */
export interface Palette {
  ground: string;
  text: string;
  dim: string;
  line: string;
  free: string;
  other: string;
  aside: string;
  asideLine: string;
  bad: string;
  focus: string;
  /** The lightness of the colours of gangs, two for each hue. */
  lightness: [number, number];
}

const light: Palette = {
  ground: "#ffffff",
  text: "#1a212b",
  dim: "#4d5968",
  line: "#98a3b1",
  free: "#e3e8ef",
  other: "#7d8796",
  aside: "#f3dcae",
  asideLine: "#8a5300",
  bad: "#a8201a",
  focus: "#1a212b",
  lightness: [0.47, 0.6],
};

const dark: Palette = {
  ground: "#14171c",
  text: "#e6eaf0",
  dim: "#a7b2c0",
  line: "#6f7b8a",
  free: "#2a313b",
  other: "#8590a0",
  aside: "#4a3a17",
  asideLine: "#f2c063",
  bad: "#ff9a93",
  focus: "#ffd166",
  lightness: [0.67, 0.8],
};

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** The palette for how the page is shown now, light or dark. */
export const palette = signal(prefersDark.matches ? dark : light);

prefersDark.addEventListener("change", (event) => {
  palette.value = event.matches ? dark : light;
});

/** The colour of a name, such as that of a gang or a queue: always the same one, of 24 that differ between light and dark. */
export function colourOf(name: string, of: Palette): string {
  // FNV-1a: names that differ in one character have different colours.
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  const hue = (hash >>> 8) % 12;
  const lightness = of.lightness[(hash >>> 4) % 2] ?? 0.5;
  return `oklch(${lightness} 0.13 ${hue * 30 + 15})`;
}
