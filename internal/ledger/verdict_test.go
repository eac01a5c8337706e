package ledger_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// What an informer is asked may take a lock of its own, and who holds that may be asking the ledger.
func TestNobodyIsAskedUnderTheLock(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	asked := 0
	l.Retain(func(ref gang.Ref) bool {
		asked++
		if l.Locked() {
			t.Errorf("the ledger holds its lock while it asks whether %s exists", ref.Name)
		}
		return ref.Name == a.Name
	})
	if _, pods := l.Size(); asked != 2 || pods != 1 {
		t.Errorf("%d pods were asked for and %d are left, want 2 and 1", asked, pods)
	}
}

// An answer that nobody filled in keeps a pod where it is.
func TestAnswerThatNobodyGaveRefuses(t *testing.T) {
	if answer := (ledger.Answer{}); answer.Verdict != gang.Refuse {
		t.Errorf("the zero answer is %v, want that it refuses", answer.Verdict)
	}
}

// Plain pods go, whoever asks for them, and whether or not the ledger heard of them.
func TestPlainPodsGo(t *testing.T) {
	l, _ := newLedger()
	plain := member("plain", "", 0, 1)
	for what, verdict := range map[string]gang.Verdict{
		"Enter": l.Enter(plain).Verdict, "Begin": l.Begin(plain).Verdict, "Permit": l.Permit("plain", "node").Verdict, "Stays": l.Stays("plain"),
	} {
		if verdict != gang.Go {
			t.Errorf("%s answers %v, want that a plain pod goes", what, verdict)
		}
	}
}

// A member that is deleted, or whose annotations become invalid, in a cycle of its own is refused in Permit.
func TestMemberThatIsGoneIsRefusedInPermit(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	l.Forget("a")
	if answer := l.Permit(a.UID, "node"); answer.Verdict != gang.Refuse {
		t.Errorf("Permit answers %v for a member that is gone, want that it is refused", answer.Verdict)
	}
	spoilt := member("b", "g", 2, 5)
	spoilt.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "many"
	l.Observe(spoilt)
	if answer := l.Permit("b", "node"); answer.Verdict != gang.Refuse {
		t.Errorf("Permit answers %v for a member with bad annotations, want that it is refused", answer.Verdict)
	}
}
