// Package questions serves the scheduler's answers over HTTP: who waits and why, what queues use, and what would happen if a gang were
// created. Requests are authenticated and authorized before they come here; what a user may not see is left out.
package questions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

const (
	// maxBody is how many bytes a question may have. That is enough for 1,000 pods that are all different.
	maxBody = 8 << 20
	// patience is how long a question may take, most of it to wait for its turn.
	patience = 5 * time.Second
	// atOnce is how many questions of the kind what-if may wait or be answered at a time.
	atOnce = 32
)

// Scheduler is what answers.
type Scheduler interface {
	// Leads reports whether this process schedules pods.
	Leads() bool
	// Gangs returns the statuses of the gangs of a namespace, or of all if it is empty, in the scheduling order.
	Gangs(namespace string) []gang.Status
	Queues() answers.Queues
	// Order returns the gangs of a namespace, or of all if it is empty, that wait, in the order in which they would start.
	Order(namespace string) answers.Order
	// Nodes waits for a moment in which no pod is being scheduled. Its answer has the gangs of all namespaces.
	Nodes(ctx context.Context) (answers.Nodes, error)
	// WhatIf waits for a moment in which no pod is being scheduled. Its error is about the question, unless the context has ended.
	WhatIf(ctx context.Context, pods []*corev1.Pod) (answers.Forecast, error)
	// WhatIfTried does the same for a gang that waits. Its error wraps ledger.ErrNoGang if there is no such gang.
	WhatIfTried(ctx context.Context, namespace, name string) (answers.Forecast, error)
}

// Server answers questions.
type Server struct {
	scheduler Scheduler
	sight     sight
	// leader returns the identity of the replica that leads.
	leader func() string
	rates  *rates
	slots  chan struct{}
	// large has a place for each answer that is made at a time about all that waits, or all nodes.
	large chan struct{}
	mux   *http.ServeMux
}

// NewServer returns a server. The authorizer says what a user may see.
func NewServer(s Scheduler, a authorizer.Authorizer, leader func() string) *Server {
	server := &Server{
		scheduler: s, sight: sight{authorizer: a}, leader: leader, rates: newRates(), slots: make(chan struct{}, atOnce),
		large: make(chan struct{}, largeAtOnce), mux: http.NewServeMux(),
	}
	server.mux.HandleFunc("GET "+answers.GangsPath, server.gangs)
	server.mux.HandleFunc("GET "+answers.QueuesPath, server.queues)
	server.mux.HandleFunc("GET "+answers.OrderPath, server.order)
	server.mux.HandleFunc("GET "+answers.NodesPath, server.nodes)
	server.mux.HandleFunc("POST "+answers.WhatIfPath, server.whatIf)
	return server
}

// ServeHTTP answers one question.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	who, known := asker(ctx)
	if !known {
		refuse(w, &answers.Problem{Status: http.StatusUnauthorized, Detail: "who asks is not known"})
		return
	}
	done, ok := s.rates.begin(who.GetName())
	if !ok {
		w.Header().Set("Retry-After", "1")
		refuse(w, &answers.Problem{
			Status: http.StatusTooManyRequests,
			Detail: fmt.Sprintf("a user may ask %d times a second, and %d questions at a time", perSecond, runningMost),
		})
		return
	}
	defer done()
	// A client that sends its question slowly, or reads the answer slowly, is cut off. Without the support for it (in tests) nothing is.
	control := http.NewResponseController(w)
	_, _ = control.SetReadDeadline(time.Now().Add(patience)), control.SetWriteDeadline(time.Now().Add(2*patience))
	switch {
	case !s.scheduler.Leads():
		w.Header().Set("Retry-After", "1")
		leader := s.leader()
		detail := "this replica does not lead, and none is known to"
		if leader != "" {
			detail = "this replica does not lead: ask " + leader
		}
		refuse(w, &answers.Problem{Status: http.StatusServiceUnavailable, Detail: detail, Leader: leader})
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		s.mux.ServeHTTP(w, r.WithContext(ctx))
	}
}

// gangs answers with the gangs of a namespace, or of all.
func (s *Server) gangs(w http.ResponseWriter, r *http.Request) {
	namespace, name := r.URL.Query().Get("namespace"), r.URL.Query().Get("name")
	if !s.mayList(w, r, namespace) {
		return
	}
	found := answers.Gangs{Items: []answers.Gang{}}
	all := s.scheduler.Gangs(namespace)
	for i := range all {
		status := &all[i]
		if name != "" && status.Key.Name != name {
			continue
		}
		g := answers.Gang{Status: *status}
		if status.Why.Kind != "" {
			g.Reason = events.Sentence(status.Why)
		}
		if awaits := status.Why.Awaits; awaits != nil {
			g.Awaits = &answers.Awaits{Pods: awaits.Pods, Nodes: awaits.Nodes}
		}
		found.Items = append(found.Items, g)
	}
	reply(w, r, found)
}

func (s *Server) queues(w http.ResponseWriter, r *http.Request) { reply(w, r, s.scheduler.Queues()) }

// whatIf answers what would happen.
func (s *Server) whatIf(w http.ResponseWriter, r *http.Request) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, &answers.Problem{Status: http.StatusTooManyRequests, Detail: "too many questions are waiting"})
		return
	}
	var question answers.WhatIf
	if problem := decode(r, &question); problem != nil {
		refuse(w, problem)
		return
	}
	forecast, err := s.forecast(r.Context(), &question)
	problem, refused := errors.AsType[*answers.Problem](err)
	switch {
	case refused:
		refuse(w, problem)
	case r.Context().Err() != nil:
		w.Header().Set("Retry-After", "1")
		refuse(w, &answers.Problem{
			Status: http.StatusServiceUnavailable,
			Detail: "the scheduler is busy scheduling pods; such questions take little of its time then",
		})
	case errors.Is(err, ledger.ErrNoGang):
		refuse(w, &answers.Problem{Status: http.StatusNotFound, Detail: err.Error()})
	case errors.Is(err, answers.ErrTooLong):
		refuse(w, &answers.Problem{Status: http.StatusGatewayTimeout, Detail: answers.ErrTooLong.Error()})
	case err != nil:
		refuse(w, &answers.Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()})
	default:
		s.sight.hide(r.Context(), &forecast)
		reply(w, r, forecast)
	}
}

// forecast asks the scheduler, if the asker may ask that. An error of type *answers.Problem is the answer.
func (s *Server) forecast(ctx context.Context, question *answers.WhatIf) (answers.Forecast, error) {
	if question.Gang != "" {
		namespace, name, problem := gangOf(question)
		switch {
		case problem != nil:
			return answers.Forecast{}, problem
		case !s.sight.sees(ctx, namespace):
			return answers.Forecast{}, forbidden("list", namespace)
		}
		return s.scheduler.WhatIfTried(ctx, namespace, name)
	}
	pods, problem := podsOf(question, time.Now())
	switch {
	case problem != nil:
		return answers.Forecast{}, problem
	case !s.sight.creates(ctx, pods[0].Namespace):
		return answers.Forecast{}, forbidden("create", pods[0].Namespace)
	}
	return s.scheduler.WhatIf(ctx, pods)
}

func forbidden(verb, namespace string) *answers.Problem {
	return &answers.Problem{Status: http.StatusForbidden, Detail: fmt.Sprintf("you may not %s pods in namespace %s", verb, namespace)}
}

// decode reads the body of a request.
func decode(r *http.Request, into any) *answers.Problem {
	err := json.NewDecoder(r.Body).Decode(into)
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return &answers.Problem{
			Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the question has more than %d bytes", maxBody),
		}
	}
	return &answers.Problem{Status: http.StatusBadRequest, Detail: "the body is not the JSON of a question: " + err.Error()}
}

func reply(w http.ResponseWriter, r *http.Request, answer any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		klog.FromContext(r.Context()).V(4).Info("Failed to send an answer", "err", err)
	}
}

func refuse(w http.ResponseWriter, problem *answers.Problem) {
	problem.Title = http.StatusText(problem.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(problem.Status)
	_ = json.NewEncoder(w).Encode(problem) // the asker may be gone
}
