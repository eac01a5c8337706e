package gang_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func TestGangRefusesUnknownMembers(t *testing.T) {
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	for what, verdict := range map[string]gang.Verdict{
		"Enter": g.Enter("stranger", start), "Begin": g.Begin("stranger", true, start), "Permit": g.Permit("stranger", "a", start),
	} {
		if verdict != gang.Refuse {
			t.Errorf("%s returned %v for an unknown member, want Refuse", what, verdict)
		}
	}
}
