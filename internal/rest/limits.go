package rest

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/lru"
)

// maxRemembered is how many callers, and how many addresses of strangers, are remembered.
const maxRemembered = 4096

// retryWatch is when one who can have no watch should come again, in seconds. Watches end less often than other requests.
const retryWatch = "10"

// limiter holds callers to their rates, and the process to what it can serve at a time.
type limiter struct {
	limits Limits
	// known are the callers whose tokens the API server has accepted, by the fingerprint of the token; strangers the others, by address.
	// A flood of forged tokens takes nothing from those that are known.
	known, strangers *lru.Cache
	bodies           chan struct{}
	inFlight         chan struct{}
	lists            chan struct{}
	watches          chan struct{}
	// watched is how many pods all watches are about.
	watched budget

	mu sync.Mutex
	// watching is how many watches each caller has. Who has none is not in it.
	watching map[fingerprint]int
}

func newLimiter(l Limits) *limiter {
	return &limiter{
		limits: l, known: lru.New(maxRemembered), strangers: lru.New(maxRemembered), bodies: make(chan struct{}, l.InFlight),
		inFlight: make(chan struct{}, l.InFlight), lists: make(chan struct{}, l.Lists), watches: make(chan struct{}, l.Watches),
		watched:  budget{most: l.AllWatchedPods},
		watching: map[fingerprint]int{},
	}
}

// admit reports whether a request keeps to its caller's rate, or after what time it would.
func (l *limiter) admit(token fingerprint, address string, now time.Time) (ok bool, retry time.Duration) {
	if limit, known := l.known.Get(token); known {
		return take(limit.(*rate.Limiter), now) //nolint:errcheck // nothing else is in there
	}
	limit, seen := l.strangers.Get(address)
	if !seen {
		limit = rate.NewLimiter(rate.Limit(l.limits.StrangersPerSecond), l.limits.StrangersBurst)
		l.strangers.Add(address, limit)
	}
	return take(limit.(*rate.Limiter), now) //nolint:errcheck // nothing else is in there
}

func take(l *rate.Limiter, now time.Time) (ok bool, retry time.Duration) {
	reservation := l.ReserveN(now, 1)
	if !reservation.OK() {
		return false, time.Second
	}
	if retry = reservation.DelayFrom(now); retry > 0 {
		reservation.CancelAt(now)
		return false, retry
	}
	return true, 0
}

// accept remembers that the API server accepted a token.
func (l *limiter) accept(token fingerprint) {
	if _, known := l.known.Get(token); !known {
		l.known.Add(token, rate.NewLimiter(rate.Limit(l.limits.RequestsPerSecond), l.limits.Burst))
	}
}

// tryAcquire takes one of what there is a bounded number of, if one is free.
func tryAcquire(of chan struct{}) (release func(), ok bool) {
	select {
	case of <- struct{}{}:
		return func() { <-of }, true
	default:
		return nil, false
	}
}

// take takes the place that a request needs while it is served. The error is a problem.
func (l *limiter) take(token fingerprint, route string) (release func(), err error) {
	if route == watchRoute {
		return l.watch(token)
	}
	release, ok := tryAcquire(l.inFlight)
	if !ok {
		return nil, tooMany("there are too many requests at the moment: try again", "1")
	}
	return release, nil
}

// watch takes one of the watches that there can be: of one caller, and in all. The error is a problem.
func (l *limiter) watch(token fingerprint) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watching[token] >= l.limits.WatchesPerCaller {
		return nil, tooMany(fmt.Sprintf("this token has %d watches, and can have no more: end one, or watch all that you need with one",
			l.watching[token]), retryWatch)
	}
	free, ok := tryAcquire(l.watches)
	if !ok {
		return nil, tooMany("there are too many watches at the moment: try again", retryWatch)
	}
	l.watching[token]++
	return func() {
		free()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.watching[token]--; l.watching[token] == 0 {
			delete(l.watching, token)
		}
	}, nil
}

// addressOf is the address that a request comes from, without its port.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// seconds is a time as Retry-After has it, at least 1.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
