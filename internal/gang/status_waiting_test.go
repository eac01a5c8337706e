package gang_test

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func TestStatusOfAWaitingGang(t *testing.T) {
	short := &gang.Shortfall{Members: 2, Resource: "cpu", Each: "1", Largest: "0.5"}
	since := gang.Times{Since: start}
	unfit := func(f gang.Finding) func(t *testing.T) *story {
		return func(t *testing.T) *story {
			s := newStory(t, 3, 3)
			s.begin()
			s.Unfit("0", f, 7, s.now)
			return s
		}
	}
	for _, tc := range []statusTest{
		{
			"incomplete", func(t *testing.T) *story { return newStory(t, 3, 2) },
			gang.Status{
				Phase: gang.Incomplete, Needs: gang.Needs{MinAvailable: 3, Have: 2}, Times: since,
				Members: inState(gang.MemberPending, 0, "", ""),
				Why:     explained(gang.KindIncomplete, gang.Explanation{Have: 2, Need: 3}),
			},
		},
		{
			"gated", func(t *testing.T) *story {
				s := newStory(t, 2, 1)
				s.see(1, func(m *gang.Member) { m.Gated = true })
				return s
			},
			gang.Status{
				Phase: gang.Incomplete, Needs: gang.Needs{MinAvailable: 2, Have: 1}, Times: since,
				Members: join(inState(gang.MemberPending, 0, ""), inState(gang.MemberGated, 1, "")),
				Why:     explained(gang.KindIncomplete, gang.Explanation{Have: 1, Need: 2, Gated: 1}),
			},
		},
		{
			"disagreeing", func(t *testing.T) *story {
				s := newStory(t, 2, 2)
				s.see(2, func(m *gang.Member) { m.Spec.MinAvailable = 3 })
				return s
			},
			gang.Status{
				Phase: gang.Disagreeing, Times: since, Members: inState(gang.MemberPending, 0, "", "", ""),
				Why: explained(gang.KindDisagree, gang.Explanation{Claims: []gang.ClaimCount{
					{Claim: gang.Claim{MinAvailable: 2, Scheduler: "s"}, Members: 2, Example: "a-0"},
					{Claim: gang.Claim{MinAvailable: 3, Scheduler: "s"}, Members: 1, Example: "a-2"},
				}}),
			},
		},
		{
			"disagreeing about the queue", func(t *testing.T) *story {
				s := newStory(t, 2, 1)
				s.see(1, func(m *gang.Member) { m.Spec.Queue = "q" })
				s.see(2, func(m *gang.Member) { m.Spec.Queue = "r" })
				return s
			},
			gang.Status{
				Phase: gang.Disagreeing, Needs: gang.Needs{MinAvailable: 2}, Times: since, Members: inState(gang.MemberPending, 0, "", "", ""),
				Why: explained(gang.KindDisagree, gang.Explanation{Need: 2, Shares: []gang.ShareCount{
					{Share: gang.Share{Queue: "q"}, Members: 1, Example: "a-1"}, {Share: gang.Share{Queue: "r"}, Members: 1, Example: "a-2"},
				}}),
			},
		},
		{
			"complete", func(t *testing.T) *story { return newStory(t, 2, 2) },
			gang.Status{
				Phase: gang.Ready, Needs: gang.Needs{MinAvailable: 2, Have: 2}, Times: since, Members: inState(gang.MemberPending, 0, "", ""),
				Why: explained(gang.KindUntried, gang.Explanation{Have: 2, Need: 2}),
			},
		},
		{
			"parked", unfit(gang.Finding{Fit: 1, Short: short, Detail: "2 of 2 nodes: no", Shortage: gang.Shortage{Missing: 2}}),
			gang.Status{
				Phase: gang.Ready, Attempts: 1, Needs: gang.Needs{MinAvailable: 3, Have: 3}, Times: since,
				Members:  inState(gang.MemberPending, 0, "", "", ""),
				Shortage: gang.ShortageStatus{Members: 2, Resource: "cpu", Each: "1", Largest: "0.5"},
				Why:      explained(gang.KindUnplaced, gang.Explanation{Have: 3, Need: 3, Fit: 1, Short: short, Detail: "2 of 2 nodes: no"}),
			},
		},
		{
			"parked, part of the shortage is resolved", func(t *testing.T) *story {
				s := unfit(gang.Finding{Shortage: gang.Shortage{Missing: 2}})(t)
				s.StillShort(9, 1)
				return s
			},
			gang.Status{
				Phase: gang.Ready, Attempts: 1, Needs: gang.Needs{MinAvailable: 3, Have: 3}, Times: since,
				Members:  inState(gang.MemberPending, 0, "", "", ""),
				Shortage: gang.ShortageStatus{Members: 2},
				Why:      explained(gang.KindUnplaced, gang.Explanation{Have: 3, Need: 3}),
			},
		},
		{
			"too large", unfit(gang.Finding{TooLarge: true, Most: 2, Shortage: gang.Shortage{Missing: 1, Anything: true}}),
			gang.Status{
				Phase: gang.Ready, Attempts: 1, Needs: gang.Needs{MinAvailable: 3, Have: 3}, Times: since,
				Members:  inState(gang.MemberPending, 0, "", "", ""),
				Shortage: gang.ShortageStatus{Members: 1, Anything: true},
				Why:      explained(gang.KindTooLarge, gang.Explanation{Have: 3, Need: 3, Most: 2}),
			},
		},
		{
			"in the gang cycle", func(t *testing.T) *story {
				s := newStory(t, 2, 2)
				s.begin()
				return s
			},
			gang.Status{
				Phase: gang.Placing, Attempts: 1, Needs: gang.Needs{MinAvailable: 2, Have: 2}, Times: since,
				Members: inState(gang.MemberPending, 0, "", ""), Why: explained(gang.KindUntried, gang.Explanation{Have: 2, Need: 2}),
			},
		},
		{
			"could not be bound", func(t *testing.T) *story {
				s := newStory(t, 1, 1)
				s.commit(1)
				s.Unreserve("0", s.now)
				s.NotBound("0", "forbidden")
				return s
			},
			gang.Status{
				Phase: gang.Ready, Attempts: 1, Needs: gang.Needs{MinAvailable: 1, Have: 1}, Members: inState(gang.MemberPending, 0, ""),
				Times: gang.Times{Since: start, NextTry: start.Add(time.Second)},
				Why:   explained(gang.KindNotBound, gang.Explanation{Have: 1, Need: 1, Culprit: "a-0", Detail: "forbidden"}),
			},
		},
		{
			"a node rejected a member", func(t *testing.T) *story {
				s := newStory(t, 1, 1)
				s.Finish(gang.Finished{UID: "9", Name: "a-9", Node: "n9", At: s.now, RejectedBy: "n9", Reason: "OutOfcpu"}, s.now)
				return s
			},
			gang.Status{
				Phase: gang.Ready, Needs: gang.Needs{MinAvailable: 1, Have: 1},
				Members: join(inState(gang.MemberPending, 0, ""), inState(gang.MemberFailed, 9, "n9")),
				Times:   gang.Times{Since: start, NextTry: start.Add(time.Minute)},
				Why:     explained(gang.KindUntried, gang.Explanation{Have: 1, Need: 1}),
			},
		},
	} {
		t.Run(tc.name, tc.check)
	}
}
