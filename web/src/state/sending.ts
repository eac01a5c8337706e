import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Refused, Unreachable } from "../api/client";
import type { Problem } from "../api/types";
import { problemIn } from "./answer";
import { signedIn } from "./session";

/** Something that is sent by the reader's click, and what came of it. */
export interface Sending<T> {
  busy: boolean;
  answer?: T;
  failure?: Failure;
}

export interface Failure {
  problem: Problem;
  /** From when it may be sent again, in milliseconds; missing if that would not help. */
  again?: number;
  /** How often somebody had signed in when it failed. */
  signedIn: number;
}

/** Says whether to send the same again helps, and when. */
export function failureOf(failed: unknown, now: number): Failure {
  const failure: Failure = { problem: problemIn(failed), signedIn: signedIn.value };
  if (failed instanceof Unreachable) failure.again = now;
  if (failed instanceof Refused && (failed.status === 429 || failed.status >= 502)) failure.again = now + failed.retryAfter * 1000;
  return failure;
}

/** Sends by click. A click while an answer is awaited does nothing. */
export function useSending<T>(): { state: Signal<Sending<T>>; send: (how: () => Promise<T>) => void } {
  return useMemo(() => {
    const state = signal<Sending<T>>({ busy: false });
    const send = async (how: () => Promise<T>) => {
      if (state.value.busy) return;
      state.value = { busy: true };
      try {
        state.value = { busy: false, answer: await how() };
      } catch (failed) {
        state.value = { busy: false, failure: failureOf(failed, Date.now()) };
      }
    };
    return { state, send: (how) => void send(how) };
  }, []);
}
