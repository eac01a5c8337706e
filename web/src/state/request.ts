// The fields of the forms, and the request that they make. What a field may have is in the OpenAPI document; nothing of it is repeated here.
import schemas from "../api/request.json";
import type { Problem, Request } from "../api/types";
import { readPairs, splitWords, Unreadable } from "./words";

/** What the OpenAPI document says of a field. */
export interface Schema {
  type?: string | string[];
  description?: string;
  examples?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

const requestFields = schemas.Request.properties as Record<string, Schema>;
const topologyFields = schemas.Topology.properties as Record<string, Schema>;

/** What the gang asks for: what-if is about these, and a link to it sets them. */
export const shapeFields = ["replicas", "minAvailable", "cpu", "memory", "gpu", "resources"] as const;

const turnFields = ["queue", "priorityClass", "expectedRuntime", "activeDeadline"] as const;

const placeFields = ["topology.required", "topology.preferred", "topology.spread", "topology.sliceRequired", "topology.sliceSize"] as const;

/** What the containers do. The scheduler does not look at it, so what-if does without. */
const workFields = ["command", "args", "env", "backoffLimit", "torchrun"] as const;

export const fieldNames = ["name", "image", ...shapeFields, ...turnFields, ...placeFields, ...workFields] as const;

export type FieldName = (typeof fieldNames)[number];

/** What was typed, by field: text as it stands in the field, "true" for a box that is checked. */
export type Draft = Record<FieldName, string>;

export type Purpose = "what-if" | "submit";

export const blank = Object.fromEntries(fieldNames.map((name) => [name, ""])) as Draft;

export function schemaOf(name: FieldName): Schema {
  const [first = "", second] = name.split(".");
  return (second ? topologyFields[second] : requestFields[first]) ?? {};
}

/** The kind of value that the API takes: string, integer, boolean, array or object. */
export function typeOf(name: FieldName): string {
  const { type = "string" } = schemaOf(name);
  return typeof type === "string" ? type : (type[0] ?? "string");
}

export function isRequired(name: FieldName): boolean {
  return schemas.Request.required.includes(name);
}

/** The value that the API takes for what was typed. */
function valueOf(name: FieldName, text: string): unknown {
  switch (typeOf(name)) {
    case "integer":
      return Number(text);
    case "boolean":
      return true;
    case "object":
      return readPairs(text);
    case "array":
      return name.startsWith("topology.") ? text.split(/[\s,]+/).filter(Boolean) : splitWords(text);
    default:
      return text.trim();
  }
}

/** The API wants a name and an image for each request; a question about capacity does without. */
const standIn: Partial<Draft> = { name: "what-if", image: String(schemaOf("image").examples?.[0]) };

/** Makes the request of what was typed, or the problem with what cannot be read. */
export function requestOf(draft: Draft, purpose: Purpose): { request?: Request; problem?: Problem } {
  const request: Record<string, unknown> = {};
  const topology: Record<string, unknown> = {};
  const errors: { location: string; message: string }[] = [];
  for (const name of fieldNames) {
    if (purpose === "what-if" && (workFields as readonly string[]).includes(name)) continue;
    const text = draft[name].trim() ? draft[name] : purpose === "what-if" ? (standIn[name] ?? "") : "";
    if (!text) continue;
    try {
      const [first = "", second] = name.split(".");
      if (second) topology[second] = valueOf(name, text);
      else request[first] = valueOf(name, text);
    } catch (failed) {
      if (!(failed instanceof Unreadable)) throw failed;
      errors.push({ location: "body." + name, message: failed.message });
    }
  }
  if (errors.length > 0) return { problem: { status: 422, detail: "the request has fields that are wrong", errors } };
  if (Object.keys(topology).length > 0) request["topology"] = topology;
  return { request: request as unknown as Request };
}

/** Sets what a link asks about, such as ?cpu=8&replicas=4. The rest of the shape is emptied, because it was that of another gang. */
export function prefilled(draft: Draft, query: URLSearchParams): Draft {
  const given = fieldNames.filter((name) => isReadable(name, query.get(name)));
  if (given.length === 0) return draft;
  const next = { ...draft };
  for (const name of shapeFields) next[name] = "";
  for (const name of given) next[name] = query.get(name) ?? "";
  return next;
}

function isReadable(name: FieldName, text: string | null): boolean {
  return text !== null && (typeOf(name) !== "integer" || /^\d+$/.test(text));
}
