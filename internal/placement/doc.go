// Package placement finds nodes for the members of a gang, all together.
//
// It is pure: it sees the cluster through a narrow interface, reads no clock, logs nothing and uses no randomness, so the same
// input gives the same plan. Checking whether a member fits is expensive, so the package checks as rarely as possible.
//
// Members with equal needs form a class, and a plan is made class by class:
//
//   - pack.go and spread.go fill nodes with the members of a class that depends on one node at a time. That is exact.
//   - wide.go does so for a class with members that depend on other nodes too (affinity, topology spread): there, placing one
//     changes what other nodes answer.
//   - order.go decides which class comes first, and tries other orders before the answer is no.
//   - run.go places the classes in one order: first the members of each that the gang cannot do without.
//   - start.go starts on other nodes, for gangs in which the first member decides where the others go.
//   - search.go tries everything, within a budget, where the cluster is small.
package placement
