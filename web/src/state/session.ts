import { signal } from "@preact/signals";

// The token is kept in memory. It survives a reload only if its owner asks for that, in the session storage of this tab.
const tokenKey = "kubenexus.token";
const namespaceKey = "kubenexus.namespace";

/** The bearer token of the reader, empty before somebody has signed in. */
export const token = signal(sessionStorage.getItem(tokenKey) ?? "");

/** Why the reader has to sign in, empty if nothing is wrong with the token. What was typed on the page stays. */
export const refused = signal("");

/** The namespace that the page is about, empty for all of them. */
export const namespace = signal(sessionStorage.getItem(namespaceKey) ?? "");

/** Counts the times that somebody signed in, so that what failed is tried again. */
export const signedIn = signal(0);

export function signIn(secret: string, keep: boolean): void {
  if (keep) sessionStorage.setItem(tokenKey, secret);
  else sessionStorage.removeItem(tokenKey);
  token.value = secret;
  refused.value = "";
  signedIn.value++;
}

export function signOut(): void {
  sessionStorage.removeItem(tokenKey);
  sessionStorage.removeItem(namespaceKey);
  location.reload(); // nothing of what the reader saw stays in memory
}

/** Says that the API server does not accept the token that was sent. */
export function refuse(sent: string, why: string): void {
  if (sent === token.value) refused.value = why;
}

export function choose(name: string): void {
  if (name) sessionStorage.setItem(namespaceKey, name);
  else sessionStorage.removeItem(namespaceKey);
  namespace.value = name;
}
