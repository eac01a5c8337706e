package ledger

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// located has the labels of each node, which belong to the informer.
type located map[string]map[string]string

// record records a node, or with nil that it is gone.
func (l located) record(name string, node *corev1.Node) {
	if node == nil {
		delete(l, name)
		return
	}
	l[name] = node.Labels
}

// addDomains adds the domains that have all members with a node.
func (l *Ledger) addDomains(s *gang.Status, t gang.Topology) {
	keys := t.Preferred
	if t.Required != "" {
		keys = append([]string{t.Required}, keys...)
	}
	for _, key := range keys {
		if name, same := l.domainOf(s.Nodes, key); same {
			s.Domains = append(s.Domains, gang.DomainStatus{Key: key, Name: name})
		}
	}
}

// domainOf returns the domain that has all of these nodes, and false if there is none.
func (l *Ledger) domainOf(nodes []gang.NodeStatus, key string) (name string, same bool) {
	for i := range nodes {
		value, labelled := l.located[nodes[i].Name][key]
		if !labelled || i > 0 && value != name {
			return "", false
		}
		name = value
	}
	return name, len(nodes) > 0
}
