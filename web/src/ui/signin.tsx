import { useEffect, useRef, useState } from "preact/hooks";
import { enter } from "../state/reader";
import { asking, kept, refused } from "../state/session";

/** Asks for a token, over the page, so that what was typed there is still there afterwards. Escape puts it off. */
export function SignIn() {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [secret, setSecret] = useState("");
  const [keep, setKeep] = useState(kept.value);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const open = asking.value;
  useEffect(() => {
    const box = dialog.current;
    if (!box) return;
    if (open && !box.open) box.showModal();
    if (!open && box.open) box.close();
  }, [open]);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const why = await enter(secret, keep);
    setBusy(false);
    setWrong(why);
    if (why) field.current?.select();
    else setSecret("");
  };
  const putOff = () => {
    asking.value = false;
    setWrong("");
  };
  const trouble = wrong || refused.value;
  return (
    <dialog ref={dialog} class="signin" aria-labelledby="signin-title" onClose={putOff}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="signin-title">Sign in with a Kubernetes token</h2>
        {trouble && (
          <p class="wrong" role="alert" id="signin-wrong">
            {trouble} {refused.value && "What you typed on the page is still there."}
          </p>
        )}
        <p>
          You see what the token may see. For a service account: <code>kubectl create token NAME</code>
        </p>
        <label>
          Token
          <input
            ref={field}
            type="password"
            name="token"
            autocomplete="off"
            required
            autofocus
            aria-invalid={wrong !== ""}
            aria-describedby={trouble ? "signin-wrong" : undefined}
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
          Keep it until this tab is closed. Otherwise a reload forgets it.
        </label>
        <button type="submit" class="primary" aria-disabled={busy}>
          Sign in
        </button>{" "}
        <button type="button" onClick={putOff}>
          Not now
        </button>
        <span class="hidden" role="status">
          {busy ? "Asking Kubernetes" : ""}
        </span>
      </form>
    </dialog>
  );
}
