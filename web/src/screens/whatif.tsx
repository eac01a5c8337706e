import { useLayoutEffect, useRef } from "preact/hooks";
import { get } from "../api/client";
import type { Forecast } from "../api/types";
import { content, fingerprint, prefill } from "../state/draft";
import { dropQuery, type Route, to } from "../state/route";
import { useSending } from "../state/sending";
import { Answer } from "../ui/forecast";
import { GangForm } from "../ui/gangform";

/** Asks the scheduler what would happen if a gang were submitted now. */
export function WhatIf({ route }: { route: Route }) {
  const { state, send } = useSending<Forecast>();
  const asked = useRef("");
  useLayoutEffect(() => {
    if (route.query.size === 0) return;
    prefill(route.query);
    dropQuery();
  }, [route]);
  const ask = async () => {
    const sent = content("what-if");
    asked.current = fingerprint("what-if");
    return get<Forecast>("what-if", {
      method: "POST",
      query: { namespace: sent.namespace },
      headers: { "Content-Type": sent.type },
      body: sent.body,
    });
  };
  const { busy, answer, failure } = state.value;
  return (
    <>
      <h1>What if</h1>
      <p>Would this gang start now? Where, and whose pods would have to go? The scheduler answers, and nothing is created.</p>
      <GangForm label="A gang to ask about" purpose="what-if" failure={failure} send={() => send(ask)}>
        <button type="submit" class="primary" aria-disabled={busy}>
          Ask
        </button>{" "}
        <a class="button" href={to("submit")}>
          Submit this
        </a>{" "}
        <span role="status">{busy ? "Asking the scheduler …" : ""}</span>
      </GangForm>
      {answer && <Answer forecast={answer} changed={fingerprint("what-if") !== asked.current} />}
    </>
  );
}
