import type { ComponentChildren } from "preact";
import type { Problem } from "../api/types";

/** What is shown before there is an answer. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="state" role="status">
      Reading {what} …
    </p>
  );
}

/** What is shown where there is nothing. Its children say what the reader can do. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="state">{children}</div>;
}

/** An error, in the words of the server, with the fields that are wrong. */
export function Trouble({ problem, children }: { problem: Problem; children?: ComponentChildren }) {
  return (
    <div class="state trouble" role="alert">
      <p>
        {problem.status === 403 && <strong>You may not see this. </strong>}
        {problem.detail ?? problem.title}
      </p>
      {problem.errors && problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((error) => (
            <li key={error.location}>
              <code>{error.location}</code> {error.message}
            </li>
          ))}
        </ul>
      )}
      {children}
    </div>
  );
}
