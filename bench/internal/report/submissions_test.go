package report

import (
	"strings"
	"testing"
)

func TestSubmissionsTable(t *testing.T) {
	run := func(way string, number int, speed float64) Submissions {
		s := Submissions{
			Way: way, Run: number, Requests: 3000, InFlight: 32, PerSecond: speed, P50: 0.04, P99: 0.0855, PlaneCPUPer: 2,
		}
		if way != Direct {
			s.CPUPer, s.PeakRSS = 0.5, 70e6
		}
		return s
	}
	r := &Result{Submissions: []Submissions{
		run(Direct, 1, 500), run(Served, 1, 400), run(Refused, 1, 5000), run(Served, 2, 420), run(Direct, 2, 600),
	}}
	if r.Empty() {
		t.Error("the result is empty")
	}
	text := squeeze(r.Text())
	for _, want := range []string{
		"3000 Jobs are submitted, 32 at a time",
		"client-go 550 (500..600) - 40.0 / 85.5 - 2.00 -",
		"serve 410 (400..420) 0.75 (0.70..0.80) 40.0 / 85.5 0.50 2.00 70",
		"serve, wrong requests 5000 10.00 40.0 / 85.5 0.50 2.00 70",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, r.Text())
		}
	}
}
