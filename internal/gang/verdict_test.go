package gang_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func TestGangRefusesWhomItDoesNotKnow(t *testing.T) {
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	for what, verdict := range map[string]gang.Verdict{
		"Enter": g.Enter("stranger", start), "Begin": g.Begin("stranger", true, start), "Permit": g.Permit("stranger", "a", start),
	} {
		if verdict != gang.Refuse {
			t.Errorf("%s answers %v, want that it refuses", what, verdict)
		}
	}
}
