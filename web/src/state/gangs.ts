import { effect, signal } from "@preact/signals";
import { Refused } from "../api/client";
import { breath, type Event, stream } from "../api/events";
import type { Gang, Key, Problem } from "../api/types";
import { namespace, signedIn, token } from "./session";

/** How the page is connected. */
export type Connection = "connecting" | "live" | "lost";

export const connection = signal<Connection>("connecting");

/** Why there are no gangs to see: the reader may not, or too many. */
export const problem = signal<Problem | undefined>(undefined);

/** Whether all gangs that exist have been read. */
export const synced = signal(false);

/** Grows whenever gangs changed. What shows gangs reads it. */
export const version = signal(0);

const all = new Map<string, Gang>();

/** The gangs that run or wait, by id. Read `version` to learn of changes. */
export function gangs(): ReadonlyMap<string, Gang> {
  return all;
}

/** Identifies a gang. */
export function id(key: Pick<Key, "namespace" | "name"> & Partial<Key>): string {
  return [key.namespace, key.name, key.convention ?? "", key.instance ?? ""].join("/");
}

let pending = false;
let calm = 100;

// Many events at once are one change of the page. A page that takes long to draw is drawn less often, so that it has time for its reader.
function changed(): void {
  if (pending) return;
  pending = true;
  setTimeout(async () => {
    pending = false;
    const began = performance.now();
    version.value++;
    await breath();
    calm = Math.min(1000, Math.max(100, 4 * (performance.now() - began)));
  }, calm);
}

function take(events: Event[]): string {
  let last = "";
  for (const event of events) {
    if (event.id) last = event.id;
    switch (event.name) {
      case "gang": {
        const gang = JSON.parse(event.data) as Gang;
        all.set(id(gang.key), gang);
        break;
      }
      case "gone":
        all.delete(id((JSON.parse(event.data) as { key: Key }).key));
        break;
      case "reset":
        all.clear();
        synced.value = false;
        break;
      case "synced":
        synced.value = true;
        problem.value = undefined;
        break;
      case "problem":
        problem.value = JSON.parse(event.data) as Problem;
        break;
    }
  }
  changed();
  return last;
}

/** Follows the gangs of the namespace, again and again, until the signal aborts. */
async function follow(of: string, signal: AbortSignal): Promise<void> {
  let lastID = "";
  let wait = 1;
  while (!signal.aborted) {
    connection.value = "connecting";
    try {
      await stream("watch", { namespace: of, brief: "true" }, lastID, signal, {
        opened: () => {
          connection.value = "live";
          if (lastID === "") all.clear(); // the server does not say what went since a stream that had no id
        },
        took: (events) => {
          wait = 1;
          lastID = take(events) || lastID;
        },
      });
    } catch (failed) {
      if (signal.aborted) return;
      connection.value = "lost";
      if (failed instanceof Refused) {
        if (failed.status !== 429 && failed.status < 500) {
          problem.value = failed.problem;
          return; // the reader has to do something
        }
        wait = Math.max(wait, failed.retryAfter);
      }
    }
    await pause(wait * 1000, signal);
    wait = Math.min(30, wait * 2);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}

/** Follows the gangs for as long as the page is open: those of the namespace that the reader chose, with the reader's token. */
export function followGangs(): () => void {
  return effect(() => {
    void signedIn.value;
    const of = namespace.value;
    if (!token.value) return undefined;
    const control = new AbortController();
    all.clear();
    problem.value = undefined;
    synced.value = false;
    changed();
    void follow(of, control.signal);
    return () => control.abort();
  });
}
