import type { Problem } from "../api/types";
import { type FieldName, fieldNames } from "./request";

export interface Located {
  /** What is wrong with each field, by its name. */
  fields: Partial<Record<FieldName, string[]>>;
  /** What is wrong with no field that the form has. */
  others: { location: string; message: string }[];
}

/** Finds the fields that the errors of a problem are about: body.minAvailable, body.command[1], body.resources.example.com/nic. */
export function locate(problem: Problem): Located {
  const located: Located = { fields: {}, others: [] };
  for (const { location = "", message = "" } of problem.errors ?? []) {
    const path = /^body\.(.+)$/.exec(location)?.[1] ?? "";
    const name = fieldNames.find((one) => path === one || path.startsWith(one + ".") || path.startsWith(one + "["));
    if (!name) {
      located.others.push({ location, message });
      continue;
    }
    const part = path.slice(name.length).replace(/^\./, "");
    (located.fields[name] ??= []).push(part ? `${part}: ${message}` : message);
  }
  return located;
}
