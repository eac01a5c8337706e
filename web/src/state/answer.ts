import { effect, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { get, Refused, Unreachable } from "../api/client";
import type { Problem } from "../api/types";
import { version } from "./gangs";
import { namespace, signedIn, token } from "./session";

/** An answer of the API that is kept up to date. */
export interface Answer<T> {
  /** The last answer, kept while a newer one is asked for. */
  value: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
}

/**
 * Asks once, and again when gangs have changed, but not while the page is hidden. There is no polling: a quiet cluster is not asked.
 *
 * @param changed says what has to change for the answer to be asked for again; `version` of the gangs if it is left out.
 * @param calm is the least time between two questions, in milliseconds.
 */
export function useAnswer<T>(
  path: string,
  query: Record<string, string> = {},
  changed: Signal<unknown> = version,
  calm = 3000,
): Signal<Answer<T>> {
  const text = JSON.stringify(query);
  const answer = useMemo(() => signal<Answer<T>>({ value: undefined, problem: undefined, loading: true }), [path, text]);
  useEffect(() => {
    const control = new AbortController();
    let last = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      timer = undefined;
      last = Date.now();
      try {
        const value = await get<T>(path, { query: JSON.parse(text) as Record<string, string>, signal: control.signal });
        answer.value = { value, problem: undefined, loading: false };
      } catch (failed) {
        if (control.signal.aborted) return;
        answer.value = { value: answer.value.value, problem: problemIn(failed), loading: false };
      }
    };
    const stop = effect(() => {
      void changed.value;
      void signedIn.value;
      if (!token.value || document.hidden || timer !== undefined) return;
      timer = setTimeout(() => void ask(), Math.max(0, last + calm - Date.now()));
    });
    const shown = () => {
      if (!document.hidden && timer === undefined) timer = setTimeout(() => void ask(), Math.max(0, last + calm - Date.now()));
    };
    document.addEventListener("visibilitychange", shown);
    return () => {
      stop();
      clearTimeout(timer);
      control.abort();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [path, text, answer, changed, calm]);
  return answer;
}

/** What a failed request says to the reader. */
export function problemIn(failed: unknown): Problem {
  if (failed instanceof Refused) return failed.problem;
  if (failed instanceof Unreachable) return { title: "No answer", detail: failed.message };
  return { title: "Error", detail: failed instanceof Error ? failed.message : String(failed) };
}

/** The query of routes that are about the namespace that the reader chose. */
export function scope(): Record<string, string> {
  return { namespace: namespace.value };
}
