// Types of routes that the OpenAPI document does not have yet.
import type { components } from "./schema";

type Schemas = components["schemas"];

export interface About {
  version: string;
  user: string;
  prometheus: boolean;
}

/** A gang as the list has it: without its members. Amounts are Kubernetes quantities. */
export interface Gang {
  key: Schemas["Key"];
  phase: string;
  partial?: boolean;
  scheduler: string;
  created: string;
  reason?: string;
  needs: { minAvailable: number; have: number; running: number };
  queue?: string;
  priority: number;
  pods: number;
  nodes: number;
  requests?: Record<string, string>;
  since?: string;
  started?: string;
}

export interface Order {
  items: {
    key: Schemas["Key"];
    queue?: string;
    position: number;
    setAside?: Schemas["SetAsideStatus"];
    nextTry?: string;
    reason?: string;
  }[];
  at: string;
}

export interface Nodes {
  resources: string[];
  topologyKeys: string[];
  gangs: { namespace: string; name: string }[];
  items: {
    name: string;
    domains: string[];
    ready: boolean;
    unschedulable?: boolean;
    allocatable: number[];
    used: number[];
    setAside?: number[];
    gangs?: { gang: number; pods: number; uses: number[] }[];
  }[];
  at: string;
}

export interface History {
  step: number;
  series: { queue: string; points: [number, number][] }[];
}

export interface Story {
  gang?: Schemas["GangDetails"];
  priority: number;
  owner?: string;
  topology?: { key: string; name: string; pods: number }[];
  history: { at: string; until?: string; reason?: string; what: string; pods?: number; times?: number }[];
  forgotten?: number;
  why?: string;
  capacity?: Capacity;
  help?: string[];
  leftOut?: string[];
  at: string;
}

/** Where the pods that wait fit. */
export interface Capacity {
  waiting: number;
  needed: number;
  fit: number;
  within?: Schemas["DomainStatus"];
  asks: {
    pods: number;
    requests: Record<string, string>;
    nodes: { names: string[]; count: number; takes: number; free: Record<string, string>; why: string[] }[];
    moreNodes?: number;
  }[];
  uncounted?: string[];
}
