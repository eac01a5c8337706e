import type { Gang } from "../api/types";

/** What the reader wants to see of the gangs. Empty means all. */
export interface Selection {
  namespace: string;
  queue: string;
  state: string;
  text: string;
}

/** What the filter by queue calls the gangs that name none. No queue can have this name. */
export const noQueue = "-";

export function selectionOf(query: URLSearchParams): Selection {
  const of = (name: string) => query.get(name) ?? "";
  return { namespace: of("namespace"), queue: of("queue"), state: of("state"), text: of("text") };
}

/** Whether any of it hides a gang. */
export function selects(selection: Selection): boolean {
  return selection.namespace + selection.queue + selection.state + selection.text !== "";
}

/** Whether a gang is to be seen. Each word of the text has to be in its name, its namespace, its queue or the sentence why it waits. */
export function selected(selection: Selection, gang: Gang, queue: string | undefined, reason: string | undefined): boolean {
  if (selection.namespace !== "" && gang.key.namespace !== selection.namespace) return false;
  if (selection.queue !== "" && (queue ?? noQueue) !== selection.queue) return false;
  if (selection.text === "") return true;
  const text = `${gang.key.namespace}/${gang.key.name} ${queue ?? ""} ${reason ?? ""}`.toLowerCase();
  return selection.text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
