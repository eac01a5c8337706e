import { lazy, Suspense } from "preact/compat";
import { useEffect } from "preact/hooks";
import type { Queues as Answer } from "../api/types";
import { useAnswer } from "../state/answer";
import { borrowings } from "../state/borrow";
import { filter, type Route } from "../state/route";
import { see } from "../state/seen";
import "../styles/bar.css";
import "../styles/queues.css";
import { Unfollowed } from "../ui/scope";
import { Empty, Loading, Trouble } from "../ui/states";
import { Tree } from "./queues/tree";

// What draws the shares is as large as the rest of the screen.
const Shares = lazy(() => import("./queues/shares").then((m) => m.Shares));

const docs = "https://github.com/kubenexus/kubenexus-scheduler/blob/main/docs/concepts/queues.md";

export function Queues({ route }: { route: Route }) {
  const answer = useAnswer<Answer>("queues");
  const { value, problem } = answer.value;
  useEffect(() => {
    if (value) see(value);
  }, [value]);
  const some = (value?.items ?? []).length > 0;
  return (
    <>
      <h1>Queues</h1>
      {value && <Unfollowed />}
      {problem && (
        <Trouble problem={problem}>{problem.status === 403 && <p>Ask who runs the cluster for the right to see the queues.</p>}</Trouble>
      )}
      {!value && !problem && <Loading what="the queues" />}
      {value && !some && <NoQueues />}
      {value && some && <Some answer={value} resource={route.query.get("resource") ?? ""} hours={route.query.get("hours") ?? "6"} />}
    </>
  );
}

function NoQueues() {
  return (
    <Empty>
      No queues are configured. All gangs are in one line, by priority and age. <a href={docs}>How to configure queues</a>
    </Empty>
  );
}

function Some({ answer, resource, hours }: { answer: Answer; resource: string; hours: string }) {
  const names = Object.keys(answer.capacity ?? {}).sort();
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Resource{" "}
          <select value={resource} onChange={(event) => filter("resource", event.currentTarget.value)}>
            <option value="">the dominant one of each queue</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </form>
      <Tree answer={answer} resource={resource} />
      <Borrowers answer={answer} resource={resource} />
      <Suspense fallback={<Loading what="the shares" />}>
        <Shares hours={hours} />
      </Suspense>
    </>
  );
}

function Borrowers({ answer, resource }: { answer: Answer; resource: string }) {
  const found = borrowings(answer, resource);
  return (
    <section>
      <h2>Who borrows</h2>
      {found.length === 0 ? (
        <p>No queue uses more than its fair share, or more than its guarantee while another uses less than its own.</p>
      ) : (
        <ul class="sentences">
          {found.map(({ queue, sentence }) => (
            <li key={queue}>{sentence}</li>
          ))}
        </ul>
      )}
      <p class="dim">
        What a queue does not use, others may. When it wants that back, it takes it. <a href={docs}>How queues share</a>
      </p>
    </section>
  );
}
