import { useEffect, useRef } from "preact/hooks";
import { get, path } from "../api/client";
import type { Submitted } from "../api/types";
import { content, keyOf } from "../state/draft";
import { type Route, to } from "../state/route";
import { useSending } from "../state/sending";
import { GangForm } from "../ui/gangform";

interface Done {
  items: NonNullable<Submitted["items"]>;
  dryRun: boolean;
}

/** Creates a gang, or lets the API server only check it. */
export function Submit(_: { route: Route }) {
  const { state, send } = useSending<Done>();
  const submit = async (dryRun: boolean): Promise<Done> => {
    const sent = content("submit");
    const { items } = await get<Submitted>(path("namespaces", sent.namespace, "jobs"), {
      method: "POST",
      query: { dryRun: dryRun ? "true" : "" },
      headers: { "Content-Type": sent.type, ...(!dryRun && { "Idempotency-Key": keyOf(sent) }) },
      body: sent.body,
    });
    return { items: items ?? [], dryRun };
  };
  const { busy, answer, failure } = state.value;
  return (
    <>
      <h1>Submit</h1>
      <p>All of it is created, or nothing. To submit the same again, such as after a lost answer, creates nothing more.</p>
      <GangForm label="A gang to submit" purpose="submit" failure={failure} send={(action) => send(() => submit(action === "check"))}>
        <button type="submit" value="check" aria-disabled={busy}>
          Check
        </button>{" "}
        <button type="submit" value="submit" class="primary" aria-disabled={busy}>
          Submit
        </button>{" "}
        <a class="button" href={to("what-if")}>
          What would happen?
        </a>{" "}
        <span role="status">{busy ? "Sending …" : ""}</span>
      </GangForm>
      {answer && <Result done={answer} />}
    </>
  );
}

function Result({ done }: { done: Done }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.focus(), [done]);
  return (
    <section class="answer" aria-labelledby="answer" tabIndex={-1} ref={section}>
      <h2 id="answer">{done.dryRun ? "The API server would take it" : "It is submitted"}</h2>
      {done.dryRun && <p>Nothing was created.</p>}
      <ul>
        {done.items.map(({ kind, namespace, name, gang }) => (
          <li key={kind + "/" + name}>
            {kind} {namespace}/{name}
            {gang && !done.dryRun && (
              <>
                : <a href={to("gangs", [namespace, gang])}>the story of gang {gang}</a>
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
