// Package topology finds nodes for all members of a gang together, close to each other or evenly spread, as the gang's request for topology
// says.
//
// It is pure, as package placement is, and plans through it: it decides how many members which domain gets, and placement.Find places these
// on the nodes of the domain. A domain is a set of nodes, for example a rack. A level is all domains of one kind, for example all racks.
//
//   - topology.go is the interface: levels, rules, requests and results. finding.go says in numbers why a gang does not fit.
//   - group.go plans the classes that follow the same rules. It counts, chooses domains, places members there, and learns: a domain in
//     which fewer members fit than counting promised counts for that many from then on, and the choice is made again. So the domains that
//     counting rules out are never tried, and those that look best are tried first. For one local class, whose domains do not depend on
//     each other, this ends with the best plan there is.
//   - some.go does so for several classes, or for one whose members depend on other nodes. There, what was learned about a domain may be
//     true only for the members that were tried, so the best of all attempts counts, within a budget.
//   - parts.go plans a gang of which some classes have rules of their own: for each domain that looks large enough, part after part in it.
//   - tree.go is what is counted: how many members each domain can hold. levels.go puts the levels in order, and index.go finds what is in
//     a domain.
//   - choose.go chooses the domain that the group goes to.
//   - share.go divides the group among the fewest domains inside it, even.go among all of them evenly.
//   - running.go handles gangs of which members run already.
//   - probe.go finds out sooner that many nodes reject a class in spite of their free capacity.
//   - put.go is one call of placement.Find, and board.go the cluster that it sees: some of the nodes, a quota of members for each domain,
//     and the members placed by earlier calls.
package topology
