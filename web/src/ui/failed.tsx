import { useEffect, useState } from "preact/hooks";
import type { Located } from "../state/locate";
import { asking, refused, signedIn } from "../state/session";
import type { Failure } from "../state/sending";

/** Why nothing came of what was sent, in the words of the server, and what the reader can do. */
export function Failed({ failure, located, again }: { failure: Failure; located: Located; again: () => void }) {
  const { problem } = failure;
  if (problem.status === 401) return <Expired failure={failure} again={again} />;
  const fields = Object.keys(located.fields).length;
  return (
    <div class="state trouble failed" role="alert" tabIndex={-1}>
      <p>
        {problem.status === 403 && <strong>You may not do this. </strong>}
        {problem.status === 409 && <strong>It exists already. </strong>}
        {problem.detail ?? problem.title}
      </p>
      {fields > 0 && <p>{fields === 1 ? "One field says" : `${fields} fields say`} what is wrong with it.</p>}
      {located.others.length > 0 && (
        <ul>
          {located.others.map(({ location, message }) => (
            <li key={location + message}>
              {location && location !== "body" && <code>{location}</code>} {message}
            </li>
          ))}
        </ul>
      )}
      {failure.again !== undefined && <TryAgain from={failure.again} again={again} />}
    </div>
  );
}

/** The dialog says what is wrong with the token; this says how to go on afterwards. */
function Expired({ failure, again }: { failure: Failure; again: () => void }) {
  const back = !refused.value && signedIn.value !== failure.signedIn;
  return (
    <div class="state failed" role="alert" tabIndex={-1}>
      <p>
        {back ? "You are signed in again, and nothing was sent in between. " : "The token was not accepted. What you typed is still here. "}
        <button type="button" onClick={back ? again : () => (asking.value = true)}>
          {back ? "Send it now" : "Sign in"}
        </button>
      </p>
    </div>
  );
}

function TryAgain({ from, again }: { from: number; again: () => void }) {
  const [waits, setWaits] = useState(from > Date.now());
  useEffect(() => {
    setWaits(from > Date.now());
    const timer = setTimeout(() => setWaits(false), Math.max(0, from - Date.now()));
    return () => clearTimeout(timer);
  }, [from]);
  return (
    <p>
      <span role="status">{waits ? `It can be tried again at ${new Date(from).toLocaleTimeString()}.` : "It can be tried again now."}</span>{" "}
      <button type="button" aria-disabled={waits} onClick={() => !waits && again()}>
        Try again
      </button>
    </p>
  );
}
