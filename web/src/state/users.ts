import type { Nodes } from "../api/types";

/** Who uses a resource. */
export interface User {
  namespace: string;
  /** The gang, empty for all of the namespace. */
  gang: string;
  amount: number;
  pods: number;
  nodes: number;
  /** The number of gangs that are counted. */
  gangs: number;
}

export interface Users {
  namespaces: User[];
  gangs: User[];
  /** What pods use that belong to no gang, to other schedulers, or that the reader may not see. */
  other: number;
}

/** Who uses a resource of the nodes, most first. */
export function usersOf(answer: Nodes, resource: number): Users {
  const gangs: User[] = answer.gangs.map((gang) => ({
    namespace: gang.namespace,
    gang: gang.name,
    amount: 0,
    pods: 0,
    nodes: 0,
    gangs: 1,
  }));
  const namespaces = new Map<string, User>();
  let other = 0;
  for (const node of answer.items) {
    other += node.used[resource] ?? 0;
    const here = new Set<User>();
    for (const use of node.gangs ?? []) {
      const amount = use.uses[resource] ?? 0;
      const gang = gangs[use.gang];
      if (!gang || amount <= 0) continue;
      other -= amount;
      gang.amount += amount;
      gang.pods += use.pods;
      gang.nodes++;
      let all = namespaces.get(gang.namespace);
      if (!all) namespaces.set(gang.namespace, (all = { ...gang, gang: "", amount: 0, pods: 0, nodes: 0, gangs: 0 }));
      all.amount += amount;
      all.pods += use.pods;
      here.add(all);
    }
    for (const all of here) all.nodes++;
  }
  const using = gangs.filter((gang) => gang.amount > 0);
  for (const gang of using) {
    const all = namespaces.get(gang.namespace);
    if (all) all.gangs++;
  }
  return { namespaces: [...namespaces.values()].sort(most), gangs: using.sort(most), other: Math.max(0, other) };
}

function most(a: User, b: User): number {
  return b.amount - a.amount || a.namespace.localeCompare(b.namespace) || a.gang.localeCompare(b.gang);
}
