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

const hues = 18;

/** The colour of a name, such as that of a gang: always the same one, of 36 that differ between light and dark. */
export function colourOf(name: string, of: Palette): string {
  const hash = hashOf(name);
  return colour(hash % hues, of.lightness[Math.floor(hash / hues) % 2]);
}

/** The colour of what has a place among few, such as a queue: neighbours have colours that differ much. */
export function colourAt(place: number, of: Palette): string {
  return colour((place * 7) % hues, of.lightness[0]);
}

function colour(hue: number, lightness = 0.5): string {
  return `oklch(${lightness} 0.13 ${(hue * 360) / hues + 15})`;
}

// FNV-1a, and the last steps of MurmurHash3: names that differ in one character have colours that have nothing to do with each other.
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
