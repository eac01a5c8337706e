import type { components } from "./schema";

/** The server sends no null for a list, though the description of a list in Go allows it. */
type Filled<T> = T extends readonly (infer U)[]
  ? Filled<Exclude<U, null>>[]
  : T extends object
    ? { [K in keyof T]: Filled<Exclude<T[K], null>> }
    : T;

type Schemas = { [K in keyof components["schemas"]]: Filled<components["schemas"][K]> };

export type About = Schemas["About"];
export type Capacity = Schemas["Capacity"];
export type Forecast = Schemas["Forecast"];
/** A gang as the list has it: without its members. */
export type Gang = Schemas["GangBrief"];
export type GangDetails = Schemas["GangDetails"];
/** Each point is a time, in seconds, and a share: JSON Schema has no word for a pair in the form that is used. */
export type History = Omit<Schemas["QueueHistory"], "series"> & { series: { queue: string; points: [number, number][] }[] };
export type Key = Schemas["Key"];
export type Member = Schemas["MemberStatus"];
export type Nodes = Schemas["Nodes"];
export type Order = Schemas["Order"];
export type Problem = Partial<Schemas["ErrorModel"]>;
export type Queue = Schemas["Queue"];
export type Queues = Schemas["Queues"];
export type Request = Schemas["Request"];
export type Story = Schemas["Story"];
export type Submitted = Schemas["Submitted"];
