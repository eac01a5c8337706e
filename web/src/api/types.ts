import type { components } from "./schema";

type Schemas = components["schemas"];

export type Problem = Partial<Schemas["ErrorModel"]>;
export type Key = Schemas["Key"];
export type GangDetails = Schemas["GangDetails"];
export type Member = Schemas["MemberStatus"];
export type Queue = Schemas["Queue"];
export type Queues = Schemas["Queues"];
export type Forecast = Schemas["Forecast"];
export type Request = Schemas["Request"];
export type Submitted = Schemas["Submitted"];

export type { About, Gang, History, Nodes, Order, Story } from "./coming";
