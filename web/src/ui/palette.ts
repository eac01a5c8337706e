import { signal } from "@preact/signals";
import { type Lightness, onDark, onLight } from "../state/colour";

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
  /** Of the colours of gangs and queues. */
  lightness: Lightness;
}

const light: Palette = {
  ground: "#ffffff",
  text: "#1a212b",
  dim: "#4d5968",
  line: "#98a3b1",
  free: "#e3e8ef",
  other: "#66707f",
  aside: "#f3dcae",
  asideLine: "#8a5300",
  bad: "#a8201a",
  focus: "#1a212b",
  lightness: onLight,
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
  lightness: onDark,
};

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** The palette for how the page is shown now, light or dark. */
export const palette = signal(prefersDark.matches ? dark : light);

prefersDark.addEventListener("change", (event) => {
  palette.value = event.matches ? dark : light;
});
