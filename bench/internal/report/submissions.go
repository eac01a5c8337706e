package report

import "fmt"

// The ways to submit Jobs.
const (
	Direct  = "client-go"             // created at the API server
	Served  = "serve"                 // by the REST API
	Refused = "serve, wrong requests" // what the REST API answers without the API server
)

// Submissions is one run of the scenario in which Jobs are submitted.
type Submissions struct {
	Way       string  `json:"way"`
	Run       int     `json:"run"`
	Requests  int     `json:"requests"`
	InFlight  int     `json:"inFlight"`
	PerSecond float64 `json:"requestsPerSecond"`
	// From a request to its answer.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	// CPUPer is the CPU time of the REST API, PlaneCPUPer that of etcd and kube-apiserver.
	CPUPer      float64 `json:"cpuPer1000Requests,omitempty"`
	PlaneCPUPer float64 `json:"planeCPUPer1000Requests"`
	PeakRSS     uint64  `json:"peakRSS,omitempty"`
}

// submissionsTable compares the ways to submit Jobs.
func (r *Result) submissionsTable() table {
	first := &r.Submissions[0]
	t := table{
		heading: fmt.Sprintf("%d Jobs are submitted, %d at a time: to the API server by client-go, and to kubenexus serve",
			first.Requests, first.InFlight),
		columns: []string{
			"way", "requests/s", "x client-go", "p50/p99 ms", "CPU-s of serve/1000", "CPU-s of the API server/1000", "peak RSS of serve MB",
		},
	}
	found := groups(r.Submissions, func(s *Submissions) string { return s.Way }, func(*Submissions) bool { return true })
	for i := range found {
		g := &found[i]
		spread := func(digits int, figure func(*Submissions) float64) string { return format(g.spread(figure), digits) }
		ratios := comparedWith(g, Direct, found,
			func(s *Submissions) int { return s.Run }, func(s *Submissions) float64 { return s.PerSecond })
		own := g.contender != Direct
		t.rows = append(t.rows, []string{
			g.contender, spread(0, func(s *Submissions) float64 { return s.PerSecond }), orNone(ratios.Max > 0, format(ratios, 2)),
			spread(1, func(s *Submissions) float64 { return 1000 * s.P50 }) + " / " +
				spread(1, func(s *Submissions) float64 { return 1000 * s.P99 }),
			orNone(own, spread(2, func(s *Submissions) float64 { return s.CPUPer })),
			spread(2, func(s *Submissions) float64 { return s.PlaneCPUPer }),
			orNone(own, spread(0, func(s *Submissions) float64 { return float64(s.PeakRSS) / 1e6 })),
		})
	}
	return t
}
