package ledger_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
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
		"Enter": l.Enter(plain).Verdict, "Begin": l.Begin(plain).Verdict, "Permit": l.Permit("plain").Verdict, "Stays": l.Stays("plain"),
	} {
		if verdict != gang.Go {
			t.Errorf("%s answers %v, want that a plain pod goes", what, verdict)
		}
	}
}

// A member that was deleted while it held room is refused in Permit: its pod may not be bound for a gang that has lost it.
func TestMemberThatIsGoneIsRefusedInPermit(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	begun(l, a)
	l.Reserve("a", "node")
	l.Forget("a")
	if answer := l.Permit("a"); answer.Verdict != gang.Refuse {
		t.Errorf("Permit answers %v for a member that is gone, want that it is refused", answer.Verdict)
	}
}
