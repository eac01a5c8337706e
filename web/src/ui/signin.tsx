import { useEffect, useRef, useState } from "preact/hooks";
import { refused, signIn, token } from "../state/session";

/** Asks for a token, over the page, so that what was typed there is still there afterwards. */
export function SignIn() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [secret, setSecret] = useState("");
  const [keep, setKeep] = useState(false);
  const needed = token.value === "" || refused.value !== "";
  useEffect(() => {
    const box = dialog.current;
    if (!box) return;
    if (needed && !box.open) box.showModal();
    if (!needed && box.open) box.close();
  }, [needed]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const trimmed = secret.trim();
    if (trimmed) signIn(trimmed, keep);
    setSecret("");
  };
  return (
    <dialog ref={dialog} class="signin" aria-labelledby="signin-title" onCancel={(event) => event.preventDefault()}>
      <form onSubmit={submit}>
        <h2 id="signin-title">Sign in with a Kubernetes token</h2>
        {refused.value && (
          <p class="trouble" role="alert">
            {refused.value}
          </p>
        )}
        <p>
          You see what the token may see. One of a service account: <code>kubectl create token NAME</code>
        </p>
        <label>
          Token
          <input
            type="password"
            name="token"
            autocomplete="off"
            required
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
          Keep it until this tab is closed. Otherwise a reload forgets it.
        </label>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </dialog>
  );
}
