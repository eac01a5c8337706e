import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
const { connection, followGangs, gangs, problem, synced, version } = await import("./gangs");
const { choose, refused, signIn } = await import("./session");

/** What the page asked the server for, and how the server answers that. */
interface Asked {
  query: URLSearchParams;
  lastID: string | null;
  aborted: boolean;
  answer: (response: Response) => void;
}

// The timers of the page stand still unless a test moves them; this one is real.
const soon = setTimeout;

let asked: Asked[];
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  asked = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    return new Promise<Response>((answer, fail) => {
      const one: Asked = {
        query: new URLSearchParams(url.split("?")[1]),
        lastID: new Headers(init.headers).get("Last-Event-ID"),
        aborted: false,
        answer,
      };
      init.signal?.addEventListener("abort", () => {
        one.aborted = true;
        fail(new DOMException("", "AbortError"));
      });
      asked.push(one);
    });
  });
  signIn("a-token", false, "ann");
  choose("");
  stop = followGangs();
});

afterEach(() => {
  stop();
  vi.runAllTimers();
  vi.useRealTimers();
});

/** The next request to the server. */
async function request(number: number): Promise<Asked> {
  await until(() => asked.length >= number);
  expect(asked.length).toBe(number);
  return asked[number - 1]!;
}

/** Answers a request with a stream, to which text can be written. */
function open(to: Asked) {
  const encoder = new TextEncoder();
  let control: ReadableStreamDefaultController<Uint8Array>;
  to.answer(new Response(new ReadableStream({ start: (of) => void (control = of) })));
  return {
    write: (...events: string[]) => control.enqueue(encoder.encode(events.join(""))),
    end: () => control.close(),
    fail: () => control.error(new TypeError("network error")),
  };
}

function event(name: string, data: unknown, id = ""): string {
  return `${id && `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const key = (name: string) => ({ namespace: "team-a", name });
const gang = (name: string, pods = 1) => event("gang", { key: key(name), pods });
const gone = (name: string, id: string) => event("gone", { key: key(name) }, id);
const allRead = (id: string) => event("synced", {}, id);

function names(): string[] {
  return [...gangs().values()].map((gang) => gang.key.name).sort();
}

/** Streams and promises go on between two looks; timers do not. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await new Promise((done) => soon(done));
  expect(holds()).toBe(true);
}

/** Gives the page the chance to do something that it should not do. */
async function idle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((done) => soon(done));
}

/** Reads all gangs, and returns the stream. */
async function read(of: Asked, id: string, ...all: string[]) {
  const stream = open(of);
  stream.write(...all.map((name) => gang(name)), allRead(id));
  await until(() => synced.value);
  return stream;
}

describe("the gangs", () => {
  it("are read in short, and then followed as they change", async () => {
    const first = await request(1);
    expect(Object.fromEntries(first.query)).toEqual({ brief: "true" });
    expect(connection.value).toBe("connecting");
    const stream = open(first);
    stream.write(gang("first"), gang("second"));
    await until(() => gangs().size === 2);
    expect(connection.value).toBe("live");
    expect(synced.value).toBe(false);
    stream.write(allRead("5"), gang("second", 4), gone("first", "6"));
    await until(() => gangs().size === 1);
    expect(synced.value).toBe(true);
    expect([...gangs().values()]).toEqual([{ key: key("second"), pods: 4 }]);
  });

  it("change the page once for many events", async () => {
    const stream = await read(await request(1), "5", "first");
    vi.runAllTimers();
    const before = version.value;
    stream.write(gang("second"), gang("third"));
    await until(() => gangs().size === 3);
    stream.write(gang("fourth"));
    await until(() => gangs().size === 4);
    expect(version.value).toBe(before);
    vi.runAllTimers();
    expect(version.value).toBe(before + 1);
  });

  it("are those of the namespace that was chosen last, and of no other", async () => {
    const first = await request(1);
    const stream = await read(first, "5", "first");
    choose("team-b");
    const second = await request(2);
    expect(first.aborted).toBe(true);
    expect(second.query.get("namespace")).toBe("team-b");
    expect(second.lastID).toBe(null);
    expect(names()).toEqual([]);
    stream.write(gang("late"));
    await read(second, "7", "other");
    await idle();
    expect(names()).toEqual(["other"]);
  });

  it("are not followed once nobody looks", async () => {
    const first = await request(1);
    await read(first, "5", "first");
    stop();
    await until(() => first.aborted);
    vi.runAllTimers();
    await idle();
    expect(asked.length).toBe(1);
  });
});

describe("a connection that ends", () => {
  it("is made again after a second, and goes on after the last event", async () => {
    const stream = await read(await request(1), "5", "first", "second");
    stream.write(gone("second", "6"));
    await until(() => gangs().size === 1);
    stream.end();
    await idle();
    vi.advanceTimersByTime(999);
    await idle();
    expect(asked.length).toBe(1);
    vi.advanceTimersByTime(1);
    const second = await request(2);
    expect(second.lastID).toBe("6");
    expect(names()).toEqual(["first"]);
    open(second).write(gang("third"), allRead("9"));
    await until(() => gangs().size === 2);
    expect(names()).toEqual(["first", "third"]);
  });

  it("says that it is lost if the network fails, and keeps what was read", async () => {
    const stream = await read(await request(1), "5", "first");
    stream.fail();
    await until(() => connection.value === "lost");
    expect(names()).toEqual(["first"]);
  });

  it("before all was read begins anew, without gangs that are gone since then", async () => {
    const stream = open(await request(1));
    stream.write(gang("first"), gang("gone-since"));
    await until(() => gangs().size === 2);
    stream.fail();
    await until(() => connection.value === "lost");
    vi.advanceTimersByTime(1000);
    const second = await request(2);
    expect(second.lastID).toBe(null);
    await read(second, "7", "first");
    expect(names()).toEqual(["first"]);
  });

  it("again and again is made after longer and longer, and soon after one that worked", async () => {
    (await request(1)).answer(Response.json({}, { status: 503 }));
    await until(() => connection.value === "lost");
    for (const [number, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      await idle();
      vi.advanceTimersByTime(seconds * 1000 - 1);
      await idle();
      expect(asked.length).toBe(number + 1);
      vi.advanceTimersByTime(1);
      (await request(number + 2)).answer(Response.json({}, { status: 503 }));
      await idle();
    }
    vi.advanceTimersByTime(30_000);
    const stream = await read(await request(9), "5", "first");
    stream.end();
    await idle();
    vi.advanceTimersByTime(1000);
    await request(10);
  });
});

describe("a stream with an event", () => {
  it("reset begins anew", async () => {
    const stream = await read(await request(1), "5", "first", "second");
    stream.write(event("reset", {}), gang("third"));
    await until(() => names().join() === "third");
    expect(synced.value).toBe(false);
    stream.write(allRead("8"));
    await until(() => synced.value);
  });

  it("problem says what it is, until all gangs have been read again", async () => {
    const stream = await read(await request(1), "5", "first");
    stream.write(event("problem", { status: 503, detail: "the API server is down" }));
    stream.end();
    await until(() => problem.value?.detail === "the API server is down");
    await idle();
    vi.advanceTimersByTime(1000);
    await read(await request(2), "6");
    await until(() => problem.value === undefined);
    expect(names()).toEqual(["first"]);
  });
});

describe("a server that refuses", () => {
  it("with 429 is asked again when it said, and not before", async () => {
    (await request(1)).answer(Response.json({}, { status: 429, headers: { "Retry-After": "20" } }));
    await until(() => connection.value === "lost");
    await idle();
    vi.advanceTimersByTime(19_999);
    await idle();
    expect(asked.length).toBe(1);
    expect(problem.value).toBe(undefined);
    vi.advanceTimersByTime(1);
    await request(2);
  });

  it("with 403 is not asked again before the reader does something", async () => {
    (await request(1)).answer(Response.json({ status: 403, detail: "you may not list pods" }, { status: 403 }));
    await until(() => problem.value?.detail === "you may not list pods");
    vi.advanceTimersByTime(60_000);
    await idle();
    expect(asked.length).toBe(1);
    choose("team-b");
    await request(2);
    expect(problem.value).toBe(undefined);
  });

  it("with 401 says that the token is wrong, and is asked again with the next one", async () => {
    (await request(1)).answer(Response.json({ status: 401 }, { status: 401 }));
    await until(() => refused.value !== "");
    signIn("another", false, "ann");
    await request(2);
    expect(problem.value).toBe(undefined);
  });
});
