package questions

import (
	"net/http"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
)

// largeAtOnce is how many answers about all nodes, or all that waits, are made at a time. In a large cluster, each takes some 10 ms.
const largeAtOnce = 2

// mayList reports whether the asker may list the pods of a namespace, or of all if it is empty. It answers the request if not.
func (s *Server) mayList(w http.ResponseWriter, r *http.Request, namespace string) bool {
	if s.sight.sees(r.Context(), namespace) {
		return true
	}
	detail := "you may not list pods in namespace " + namespace
	if namespace == "" {
		detail = "you may not list pods in all namespaces: name one (?namespace=...)"
	}
	refuse(w, &answers.Problem{Status: http.StatusForbidden, Detail: detail})
	return false
}

// whileFew calls f while few other large answers are made. If there is no time for it, it answers the request and returns false.
func (s *Server) whileFew(w http.ResponseWriter, r *http.Request, f func()) bool {
	select {
	case s.large <- struct{}{}:
		defer func() { <-s.large }()
		f()
		return true
	case <-r.Context().Done():
		refuseBusy(w, "others ask for such large answers at the moment")
		return false
	}
}

func refuseBusy(w http.ResponseWriter, detail string) {
	w.Header().Set("Retry-After", "1")
	refuse(w, &answers.Problem{Status: http.StatusServiceUnavailable, Detail: detail})
}

// order answers with the gangs that wait, of a namespace or of all.
func (s *Server) order(w http.ResponseWriter, r *http.Request) {
	namespace := r.URL.Query().Get("namespace")
	if !s.mayList(w, r, namespace) {
		return
	}
	var order answers.Order
	if !s.whileFew(w, r, func() { order = s.scheduler.Order(namespace) }) {
		return
	}
	sees := func(string) bool { return true }
	if namespace != "" {
		others := s.sight.some(r.Context())
		sees = func(other string) bool { return other == namespace || others(other) }
	}
	for i := range order.Items {
		finish(&order.Items[i], sees)
	}
	reply(w, r, order)
}

// finish writes the reason of a turn. What it waits for is not named if it is in a namespace that the asker may not see.
func finish(turn *answers.Turn, sees func(namespace string) bool) {
	if aside := turn.SetAside; aside != nil && aside.After != "" && !sees(namespaceIn(aside.After)) {
		aside.After = ""
		if turn.Why.SetAside != nil {
			turn.Why.SetAside.After = ""
		}
	}
	if turn.Why.Kind != "" {
		turn.Reason = events.Sentence(*turn.Why)
	}
}

// nodes answers with the nodes. It names the gangs of one namespace, or of those that the asker may see.
func (s *Server) nodes(w http.ResponseWriter, r *http.Request) {
	namespace := r.URL.Query().Get("namespace")
	if !s.sight.seesNodes(r.Context()) {
		refuse(w, &answers.Problem{Status: http.StatusForbidden, Detail: "you may not list nodes"})
		return
	}
	if namespace != "" && !s.mayList(w, r, namespace) {
		return
	}
	var nodes answers.Nodes
	var err error
	if !s.whileFew(w, r, func() { nodes, err = s.scheduler.Nodes(r.Context()) }) {
		return
	}
	switch {
	case r.Context().Err() != nil:
		refuseBusy(w, "the scheduler is busy scheduling pods; such questions take little of its time then")
		return
	case err != nil:
		refuseBusy(w, err.Error())
		return
	case namespace != "":
		nodes.Keep(func(g answers.GangOnNodes) bool { return g.Namespace == namespace })
	case !s.sight.sees(r.Context(), ""):
		sees := s.sight.some(r.Context())
		nodes.Keep(func(g answers.GangOnNodes) bool { return sees(g.Namespace) })
	}
	reply(w, r, nodes)
}
