package gang_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// crowded is a gang of n members. The queue refuses each of them until all of them exist.
func crowded(n int, observe func(i int) gang.Member) *gang.Gang {
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	for i := range n {
		m := observe(i)
		g.Observe(m, start)
		if g.Enter(m.UID, start) == gang.Refuse {
			g.Explain()
		}
	}
	return g
}

// one is member i of a gang of n, whose pods are created over several seconds.
func one(i, n int) gang.Member {
	return gang.Member{
		UID: fmt.Sprint(i), Name: fmt.Sprint("a-", i), Scheduler: "s", Spec: gang.Spec{Name: "a", MinAvailable: int32(n)},
		Created: start.Add(time.Duration(i/200) * time.Second), Owner: "Job a", OwnerUID: "job", DefaultTimeout: time.Minute,
	}
}

// startAll plans min-available members of a gang and binds all n.
func startAll(g *gang.Gang, n int, observe func(i int) gang.Member) {
	var plan gang.Planned
	for i := range observe(0).Spec.MinAvailable {
		plan.Pins = append(plan.Pins, gang.Pin{UID: fmt.Sprint(i), Node: "node"})
	}
	g.Begin("0", true, start)
	g.Task(start)
	g.Commit("0", plan, start)
	for i := range n {
		uid := fmt.Sprint(i)
		g.Take(uid)
		g.Permit(uid, "node", start)
	}
	for i := range n {
		m := observe(i)
		m.Node, m.Scheduled = "node", start.Add(time.Minute)
		g.Observe(m, start)
	}
}

// endAll deletes all members of a gang one by one.
func endAll(g *gang.Gang, n int, observe func(i int) gang.Member) {
	for i := range n {
		m := observe(i)
		m.Node, m.Scheduled, m.Terminating = "node", start.Add(time.Minute), true
		g.Observe(m, start)
		g.Remove(m.UID, start)
	}
}

func BenchmarkGang(b *testing.B) {
	for _, n := range []int{1000, 4000, 10_000} {
		observe := func(i int) gang.Member { return one(i, n) }
		b.Run(fmt.Sprint("created/", n), func(b *testing.B) {
			for b.Loop() {
				crowded(n, observe)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
		})
		b.Run(fmt.Sprint("started/", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				g := crowded(n, observe)
				b.StartTimer()
				startAll(g, n, observe)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
		})
		b.Run(fmt.Sprint("deleted/", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				g := crowded(n, observe)
				startAll(g, n, observe)
				b.StartTimer()
				endAll(g, n, observe)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
		})
	}
}
