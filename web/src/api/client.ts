import { refuse, token } from "../state/session";
import type { Problem } from "./types";

/** An answer that is an error, as RFC 9457 has it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** After how many seconds to try again, 0 if the server did not say. */
    readonly retryAfter = 0,
  ) {
    super(problem.detail ?? problem.title ?? `the server answered ${status}`);
  }
}

/** No answer came: the server, or the way to it, is down. */
export class Unreachable extends Error {
  constructor() {
    super("the server does not answer: it, or the network, may be down");
  }
}

export interface Ask {
  method?: "GET" | "POST" | "DELETE";
  query?: Record<string, string>;
  body?: string;
  headers?: Record<string, string>;
  /** A token to send in place of the reader's. */
  token?: string;
  signal?: AbortSignal | undefined;
}

/** Sends a request with the reader's token, or the one that is given. Errors are Refused, Unreachable, or that of an abort. */
export async function send(path: string, ask: Ask = {}): Promise<Response> {
  const sent = ask.token ?? token.value;
  const query = new URLSearchParams(Object.entries(ask.query ?? {}).filter(([, value]) => value !== "")).toString();
  let answer: Response;
  try {
    answer = await fetch("/api/v1/" + path + (query ? "?" + query : ""), {
      method: ask.method ?? "GET",
      headers: { Authorization: "Bearer " + sent, ...ask.headers },
      body: ask.body ?? null,
      signal: ask.signal ?? null,
      credentials: "omit",
      cache: "no-store",
    });
  } catch (failed) {
    if (ask.signal?.aborted) throw failed;
    throw new Unreachable();
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401) refuse(sent, "Kubernetes does not accept this token: it is wrong, or has expired.");
  throw new Refused(answer.status, problem, Number(answer.headers.get("Retry-After")) || 0);
}

async function problemOf(answer: Response): Promise<Problem> {
  try {
    return (await answer.json()) as Problem;
  } catch {
    return { status: answer.status, detail: `the server answered ${answer.status} ${answer.statusText}` };
  }
}

/** Sends a request, and reads the answer as JSON. */
export async function get<T>(path: string, ask: Ask = {}): Promise<T> {
  return (await (await send(path, ask)).json()) as T;
}

/** The path of names, each of them escaped. */
export function path(...parts: string[]): string {
  return parts.map(encodeURIComponent).join("/");
}
