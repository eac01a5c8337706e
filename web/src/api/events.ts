import { send } from "./client";

/** An event of a stream, as the HTML standard has them. */
export interface Event {
  name: string;
  data: string;
  /** Up to where the stream has been read; empty if the event does not say it. */
  id: string;
}

/** Takes the text of a stream as it comes, and returns the events that are complete. */
export class Parser {
  private rest = "";

  add(text: string): Event[] {
    const lines = (this.rest + text).split("\n\n");
    this.rest = lines.pop() ?? "";
    return lines.map(parse).filter((event) => event.data !== "");
  }
}

function parse(block: string): Event {
  const event: Event = { name: "message", data: "", id: "" };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") data.push(value);
  }
  event.data = data.join("\n");
  return event;
}

/** For so long, in milliseconds, events are taken in one go, and so many at least. Then the page is drawn, and the reader's keys are heard. */
const stint = 10;
const handful = 50;

/** What a stream of events is for. */
export interface Listener {
  /** The server sends. */
  opened: () => void;
  took: (events: Event[]) => void;
}

/** Reads a stream of events to its end. fetch is used because EventSource cannot send a token. */
export async function stream(
  path: string,
  query: Record<string, string>,
  lastID: string,
  signal: AbortSignal,
  listener: Listener,
): Promise<void> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastID) headers["Last-Event-ID"] = lastID;
  const answer = await send(path, { query, headers, signal });
  if (!answer.body) return;
  listener.opened();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new Parser();
  let began = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = parser.add(value);
    for (let i = 0; i < events.length; i += handful) {
      if (performance.now() - began > stint) {
        await breath();
        began = performance.now();
      }
      if (signal.aborted) return;
      listener.took(events.slice(i, i + handful));
    }
  }
}

/** Lets the browser do what else there is to do. Unlike a timer, this is not slowed down while the page is hidden. */
export function breath(): Promise<void> {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(undefined);
  });
}
