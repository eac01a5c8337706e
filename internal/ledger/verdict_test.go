package ledger_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// The ledger must not hold its lock while it queries an informer: the informer may have its own lock, whose holder may be calling
// the ledger.
func TestRetainDoesNotHoldTheLock(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	asked := 0
	l.Retain(func(ref gang.Ref) bool {
		asked++
		if l.Locked() {
			t.Errorf("the ledger holds its lock while it queries %s", ref.Name)
		}
		return ref.Name == a.Name
	})
	if _, pods := l.Size(); asked != 2 || pods != 1 {
		t.Errorf("queried %d pods and kept %d, want 2 and 1", asked, pods)
	}
}

// The zero answer keeps a pod where it is.
func TestZeroAnswerRefuses(t *testing.T) {
	if answer := (ledger.Answer{}); answer.Verdict != gang.Refuse {
		t.Errorf("the verdict of the zero answer is %v, want Refuse", answer.Verdict)
	}
}

// Plain pods proceed at every extension point, whether or not the ledger has observed them.
func TestPlainPodsProceed(t *testing.T) {
	l, _ := newLedger()
	plain := member("plain", "", 0, 1)
	for what, verdict := range map[string]gang.Verdict{
		"Enter": l.Enter(plain).Verdict, "Begin": l.Begin(plain).Verdict, "Permit": l.Permit("plain", "node").Verdict, "Stays": l.Stays("plain"),
	} {
		if verdict != gang.Go {
			t.Errorf("%s returned %v for a plain pod, want Go", what, verdict)
		}
	}
}

// Permit refuses a member that was deleted, or whose annotations became invalid, in its own cycle.
func TestPermitRefusesDeletedAndInvalidMembers(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	l.Forget("a")
	if answer := l.Permit(a.UID, "node"); answer.Verdict != gang.Refuse {
		t.Errorf("Permit returned %v for a deleted member, want Refuse", answer.Verdict)
	}
	spoilt := member("b", "g", 2, 5)
	spoilt.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "many"
	l.Observe(spoilt)
	if answer := l.Permit("b", "node"); answer.Verdict != gang.Refuse {
		t.Errorf("Permit returned %v for a member with invalid annotations, want Refuse", answer.Verdict)
	}
}
