const hues = 18;

/** The two lightnesses that the colours of names have, from 0 to 1 as in oklch(). */
export type Lightness = readonly [number, number];

/** They keep a contrast of 3:1 against what is free, as WCAG asks of graphics; the test of this file counts it. */
export const onLight: Lightness = [0.45, 0.57];
export const onDark: Lightness = [0.67, 0.8];

/** The colour of a name, such as that of a gang: always the same one, of 36 that differ between light and dark. */
export function colourOf(name: string, of: Lightness): string {
  const hash = hashOf(name);
  return colour(hash % hues, of[Math.floor(hash / hues) % 2]);
}

/** The colour of what has a place among few, such as a queue: neighbours have colours that differ much. */
export function colourAt(place: number, of: Lightness): string {
  return colour((place * 7) % hues, of[0]);
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
