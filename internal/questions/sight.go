package questions

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/utils/lru"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// namespacesMost is in how many namespaces a user's rights are looked up for one answer. What is in others is hidden.
const namespacesMost = 32

// asker returns who asks.
func asker(ctx context.Context) (user.Info, bool) { return request.UserFrom(ctx) }

// sight is what users may see.
type sight struct{ authorizer authorizer.Authorizer }

// sees reports whether the asker may list the pods of a namespace; "" stands for all.
func (s sight) sees(ctx context.Context, namespace string) bool { return s.may(ctx, "list", namespace) }

// creates reports whether the asker may create pods in a namespace.
func (s sight) creates(ctx context.Context, namespace string) bool {
	return s.may(ctx, "create", namespace)
}

func (s sight) may(ctx context.Context, verb, namespace string) bool {
	return s.allows(ctx, verb, "pods", namespace)
}

// seesNodes reports whether the asker may list the nodes.
func (s sight) seesNodes(ctx context.Context) bool { return s.allows(ctx, "list", "nodes", "") }

func (s sight) allows(ctx context.Context, verb, resource, namespace string) bool {
	who, known := asker(ctx)
	if !known {
		return false
	}
	decision, _, err := s.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: who, Verb: verb, Namespace: namespace, APIVersion: "v1", Resource: resource, ResourceRequest: true,
	})
	return err == nil && decision == authorizer.DecisionAllow
}

// some returns a function that reports whether the asker may list the pods of a namespace. It looks up the rights in few of them.
func (s sight) some(ctx context.Context) func(namespace string) bool {
	known := map[string]bool{}
	return func(namespace string) bool {
		if _, asked := known[namespace]; !asked {
			known[namespace] = len(known) < namespacesMost && s.sees(ctx, namespace)
		}
		return known[namespace]
	}
}

// hide removes from a forecast what is in namespaces that the asker may not see.
func (s sight) hide(ctx context.Context, f *answers.Forecast) {
	if len(f.Victims) == 0 && f.After == "" || s.sees(ctx, "") {
		return
	}
	sees := s.some(ctx)
	var seen []answers.Victim
	for i := range f.Victims {
		if sees(f.Victims[i].Namespace) {
			seen = append(seen, f.Victims[i])
		} else {
			f.HiddenVictims++
		}
	}
	f.Victims = seen
	if !sees(namespaceIn(f.After)) {
		f.After = ""
	}
}

// namespaceIn returns the namespace in "gang a/b" or "pod a/b".
func namespaceIn(name string) string {
	_, name, _ = strings.Cut(name, " ")
	namespace, _, _ := strings.Cut(name, "/")
	return namespace
}

const (
	// perSecond is how often a user may ask in a second, burst how often at once.
	perSecond, burst = 100, 200
	// runningMost is how many questions of a user are answered, or wait, at a time.
	runningMost = 8
	// usersMost is of how many users the rate is remembered.
	usersMost = 4096
)

// rates limits how often each user asks, and how many questions of a user are answered at a time.
type rates struct {
	mu      sync.Mutex
	users   *lru.Cache
	running map[string]int
}

func newRates() *rates { return &rates{users: lru.New(usersMost), running: map[string]int{}} }

// begin reports whether the user may ask once more now. If so, call done when the question is answered.
func (r *rates) begin(name string) (done func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, remembered := r.users.Get(name)
	limiter, isLimiter := known.(*rate.Limiter)
	if !remembered || !isLimiter {
		limiter = rate.NewLimiter(perSecond, burst)
		r.users.Add(name, limiter)
	}
	if r.running[name] >= runningMost || !limiter.Allow() {
		return nil, false
	}
	r.running[name]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.running[name]--; r.running[name] == 0 {
			delete(r.running, name)
		}
	}, true
}
