import { batch, signal } from "@preact/signals";

// The token is kept in memory. It survives a reload only if its owner asks for that, in the session storage of this tab.
const tokenKey = "kubenexus.token";
const namespaceKey = "kubenexus.namespace";

/** The bearer token of the reader, empty before somebody has signed in. */
export const token = signal(sessionStorage.getItem(tokenKey) ?? "");

/** Whether the token survives a reload. */
export const kept = signal(token.value !== "");

/** Who the reader is, as the API server says it; empty before it has said so. */
export const user = signal("");

/** Counts the times that somebody else signed in: what the one before saw is taken from the page. */
export const reader = signal(0);

/** Whether the page asks for a token. The reader may put that off, to read on what is there. */
export const asking = signal(token.value === "");

/** Why the reader has to sign in, empty if nothing is wrong with the token. What was typed on the page stays. */
export const refused = signal("");

/** The namespace that the page is about, empty for all of them. */
export const namespace = signal(sessionStorage.getItem(namespaceKey) ?? "");

/** Counts the times that somebody signed in, so that what failed is tried again. */
export const signedIn = signal(0);

/** Takes a token that the API server has accepted. */
export function signIn(secret: string, keep: boolean, name: string): void {
  if (keep) sessionStorage.setItem(tokenKey, secret);
  else sessionStorage.removeItem(tokenKey);
  batch(() => {
    kept.value = keep;
    token.value = secret;
    refused.value = "";
    asking.value = false;
    recognize(name);
    signedIn.value++;
  });
}

/** Says who the reader is. */
export function recognize(name: string): void {
  if (user.value !== "" && user.value !== name) reader.value++;
  user.value = name;
}

export function signOut(): void {
  sessionStorage.removeItem(tokenKey);
  sessionStorage.removeItem(namespaceKey);
  history.replaceState(null, "", location.pathname); // the address may name a gang
  location.reload(); // nothing of what the reader saw or typed stays in memory
}

/** Says that the API server does not accept the token that was sent. */
export function refuse(sent: string, why: string): void {
  if (sent !== token.value) return;
  refused.value = why;
  asking.value = true;
}

export function choose(name: string): void {
  if (name) sessionStorage.setItem(namespaceKey, name);
  else sessionStorage.removeItem(namespaceKey);
  namespace.value = name;
}
