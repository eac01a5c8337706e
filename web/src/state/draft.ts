import { signal } from "@preact/signals";
import { Refused } from "../api/client";
import { blank, type Draft, type FieldName, prefilled, type Purpose, requestOf } from "./request";
import { namespace } from "./session";

// What is typed into the forms, shared by what-if and submit. It is in memory only: a reload or signing out forgets it.
export const draft = signal<Draft>(blank);
export const manifest = signal("");
export const shownTab = signal<"form" | "manifest">("form");

/** The namespace of the gang while the page is about all of them. */
export const typedNamespace = signal("");

export function type(name: FieldName, text: string): void {
  draft.value = { ...draft.value, [name]: text };
}

/** Takes what a link asks about. */
export function prefill(query: URLSearchParams): void {
  const next = prefilled(draft.value, query);
  if (next === draft.value) return;
  draft.value = next;
  shownTab.value = "form";
}

/** What is sent: the same content makes the same gang. */
export interface Content {
  namespace: string;
  body: string;
  type: "application/json" | "application/yaml";
}

/** What would be sent now. What cannot be read is refused as the server would do it. */
export function content(purpose: Purpose): Content {
  const where = namespace.value || typedNamespace.value.trim();
  if (shownTab.value === "manifest") {
    const body = manifest.value;
    return { namespace: where, body, type: body.trimStart().startsWith("{") ? "application/json" : "application/yaml" };
  }
  const { request, problem } = requestOf(draft.value, purpose);
  if (problem) throw new Refused(422, problem);
  return { namespace: where, body: JSON.stringify(request), type: "application/json" };
}

/** Tells one content from another. */
export function fingerprint(purpose: Purpose): string {
  try {
    return JSON.stringify(content(purpose));
  } catch {
    return "";
  }
}

const keys = new Map<string, string>();

/** The Idempotency-Key of what is sent. It is the same each time, so that a second click, or one after a lost answer, creates nothing more. */
export function keyOf(sent: Content): string {
  const text = JSON.stringify(sent);
  const key = keys.get(text) ?? crypto.randomUUID();
  keys.set(text, key);
  return key;
}
