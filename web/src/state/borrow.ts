import type { Queue, Queues } from "../api/types";
import { formatQuantity, parseQuantity, withName } from "./quantity";

const tiny = 1e-6;

export interface Borrowing {
  queue: string;
  resource: string;
  amount: number;
  sentence: string;
}

/** An amount of a queue as a number; undefined if the queue has none. */
export function amountOf(amounts: Record<string, string> | undefined, resource: string): number | undefined {
  const text = amounts?.[resource];
  return text === undefined ? undefined : parseQuantity(text);
}

/** The resource of which the queue uses the largest part; if it uses nothing, of which it is promised the largest part. */
export function dominantResource(queue: Queue, capacity: Record<string, string>): string {
  const largest = (amounts: Record<string, string> | undefined) => {
    let best = "";
    let most = 0;
    for (const [resource, total] of Object.entries(capacity)) {
      const part = (amountOf(amounts, resource) ?? 0) / parseQuantity(total);
      if (part > most) [best, most] = [resource, part];
    }
    return best;
  };
  return largest(queue.uses) || largest(queue.guarantee) || largest(queue.fairShare) || (Object.keys(capacity)[0] ?? "");
}

/**
 * Who borrows, and from whom. A queue borrows a resource if it uses more than its fair share of it; or more than its guarantee, while
 * a queue beside it uses less than its own. One entry for each queue that borrows: the resource of which it borrows the largest part.
 *
 * @param resource limits the answer to a resource; "" means all.
 */
export function borrowings({ items, capacity = {} }: Queues, resource = ""): Borrowing[] {
  const queues = items ?? [];
  const names = resource ? [resource] : Object.keys(capacity);
  return queues.flatMap((queue) => {
    const beside = queues.filter((other) => other !== queue && (other.parent ?? "") === (queue.parent ?? ""));
    let most: Borrowing | undefined;
    let part = 0;
    for (const name of names) {
      const found = borrowedOf(queue, beside, name);
      const of = found ? found.amount / (amountOf(capacity, name) || Infinity) : 0;
      if (found && of > part) [most, part] = [found, of];
    }
    return most ? [most] : [];
  });
}

function borrowedOf(queue: Queue, beside: Queue[], resource: string): Borrowing | undefined {
  const uses = amountOf(queue.uses, resource) ?? 0;
  const fair = amountOf(queue.fairShare, resource) ?? 0; // the API leaves out uses and fair shares of 0
  const guarantee = amountOf(queue.guarantee, resource);
  if (uses > fair + tiny) {
    const from = below(beside, resource, "fairShare");
    return said(queue.name, resource, { uses, promised: fair, of: "fair share", amount: uses - fair, from });
  }
  if (guarantee !== undefined && uses > guarantee + tiny) {
    const from = below(beside, resource, "guarantee");
    const unused = from.reduce((sum, lender) => sum + lender.amount, 0);
    if (unused > 0)
      return said(queue.name, resource, { uses, promised: guarantee, of: "guarantee", amount: Math.min(uses - guarantee, unused), from });
  }
  return undefined;
}

interface Lender {
  name: string;
  amount: number;
}

function below(queues: Queue[], resource: string, than: "fairShare" | "guarantee"): Lender[] {
  return queues
    .map((queue) => ({ name: queue.name, amount: (amountOf(queue[than], resource) ?? 0) - (amountOf(queue.uses, resource) ?? 0) }))
    .filter((lender) => lender.amount > tiny)
    .sort((a, b) => b.amount - a.amount);
}

interface Words {
  uses: number;
  promised: number;
  of: "fair share" | "guarantee";
  amount: number;
  from: Lender[];
}

function said(queue: string, resource: string, { uses, promised, of, amount, from }: Words): Borrowing {
  const text = (n: number) => formatQuantity(resource, n);
  const names = listed(from.map((lender) => lender.name));
  const less = listed(from.map((lender) => text(lender.amount)));
  const whose = from.length > 1 ? `which use ${less} less than theirs` : `which uses ${less} less than its own`;
  const sentence =
    from.length > 0
      ? `${queue} borrows ${withName(resource, amount)} (it uses ${text(uses)}, and its ${of} is ${text(promised)}) from ${names}, ${whose}.`
      : `${queue} uses ${withName(resource, uses)}, ${text(amount)} more than its ${of}; no queue beside it uses less than its own.`;
  return { queue, resource, amount, sentence };
}

function listed(words: string[]): string {
  return words.length < 2 ? words.join("") : words.slice(0, -1).join(", ") + " and " + (words.at(-1) ?? "");
}
