import { get, Refused } from "../api/client";
import type { About } from "../api/types";
import { recognize, signIn, token } from "./session";

/** The token in what was pasted: lines that a terminal broke are joined, and "Bearer" is left out. */
export function tokenIn(pasted: string): string {
  return pasted.replace(/^\s*Bearer\s+/i, "").replace(/\s+/g, "");
}

/** A user as the header shows it: a service account with its namespace, others as they are. */
export function shortName(user: string): string {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace && name ? `${name} of ${namespace}` : user;
}

/** Asks the API server who has the token, and signs in. The answer is why that failed, empty if it did not. */
export async function enter(pasted: string, keep: boolean): Promise<string> {
  const secret = tokenIn(pasted);
  // A header cannot have other letters. The browser would refuse to send it, and that would look like a server that is down.
  if (!/^[\x21-\x7e]+$/.test(secret)) return "This is not a token: it has letters that no token has.";
  try {
    signIn(secret, keep, (await get<About>("about", { token: secret })).user);
    return "";
  } catch (failed) {
    if (failed instanceof Refused && failed.status === 401) return "Kubernetes does not accept this token: it is wrong, or has expired.";
    return failed instanceof Error ? failed.message : String(failed);
  }
}

/** Asks who the reader is whose token survived a reload. */
export async function recall(): Promise<void> {
  const secret = token.value;
  if (!secret) return;
  try {
    const about = await get<About>("about");
    if (token.value === secret) recognize(about.user);
  } catch {
    // Who the reader is stays unknown; the screens say what is wrong.
  }
}
