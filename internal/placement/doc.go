// Package placement finds nodes for all members of a gang together.
//
// It is pure: it sees the cluster through a narrow interface, reads no clock, logs nothing and uses no randomness, so the same
// input gives the same plan. Checking whether a member fits is expensive, so the package checks as rarely as possible.
//
// Members with equal needs form a class. The package places one class after the other:
//
//   - pack.go and spread.go fill nodes with members of a local class, whose members depend on one node at a time. This is exact.
//   - wide.go does so for a class whose members depend on other nodes too (affinity, topology spread): there, each placement
//     changes which other nodes fit.
//   - follow.go places a class whose members prefer to be near each other or apart, or near members of other classes: there,
//     each placement changes which nodes are best.
//   - order.go decides which class comes first, and tries other orders before the gang counts as not fitting.
//   - run.go places the classes in one order: first the required members of each class.
//   - start.go tries other nodes for the first member, for gangs in which that node decides the nodes of the others.
//   - search.go tries all placements, within a budget, if the cluster is small.
package placement
