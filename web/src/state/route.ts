import { signal } from "@preact/signals";

/** Where the reader is. All of it is in the address, after the #, so that a link leads others to the same place. */
export interface Route {
  /** The screen, such as "work" or "gangs". */
  screen: string;
  /** What follows it, such as the namespace and the name of a gang. */
  parts: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [screen = "", ...parts] = path.split("/").map(decode);
  return { screen: screen || "work", parts, query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a screen, for a link. */
export function to(screen: string, parts: string[] = [], query: Record<string, string> = {}): string {
  const used = Object.entries(query).filter(([, value]) => value !== "");
  const text = new URLSearchParams(used).toString();
  return "#/" + [screen, ...parts].map(encodeURIComponent).join("/") + (text ? "?" + text : "");
}

export const route = signal<Route>(parse(location.hash));

// How far down the reader was at each address that was left. The browser would go there before the screen is.
const depths = new Map<string, number>();
history.scrollRestoration = "manual";

/** How far down the reader was when this address was left. */
export function depth(): number {
  return depths.get(location.hash) ?? 0;
}

addEventListener("hashchange", (event) => {
  depths.set(new URL(event.oldURL).hash, scrollY);
  route.value = parse(location.hash);
});

/** Changes a part of the query in the address, without a new entry in the history. */
export function filter(name: string, value: string): void {
  const query = Object.fromEntries(route.value.query);
  query[name] = value;
  history.replaceState(null, "", to(route.value.screen, route.value.parts, query));
  route.value = parse(location.hash);
}

/** Takes the query out of the address, once it is taken over: going back must not undo what was typed since. */
export function dropQuery(): void {
  history.replaceState(null, "", to(route.value.screen, route.value.parts));
  route.value = parse(location.hash);
}
