package gang

import "time"

// AtMost is how long a pod runs at most: as long as stated for it, or until its deadline (spec.activeDeadlineSeconds), whichever ends
// first. For each of these, and for the result, 0 means that it is unknown.
func AtMost(stated, deadline time.Duration) time.Duration {
	if stated > 0 && (deadline == 0 || stated < deadline) {
		return stated
	}
	return deadline
}

// StatedRuntime is how long the members say that the gang runs. It counts for each member, whichever of them says it. It is 0 if none does.
func (g *Gang) StatedRuntime() time.Duration {
	said, _ := g.tally.says(runtimeAspect)
	return said.ExpectedRuntime
}

// RuntimesDiffer reports whether members say different things of how long the gang runs. StatedRuntime then costs the more, the more of
// them do; otherwise it costs the same for gangs of any size.
func (g *Gang) RuntimesDiffer() bool { return len(g.tally.shares[runtimeAspect].values) > 1 }

// RuntimeOf is how long a member runs at most, 0 if it is unknown. stated is StatedRuntime: who asks for many members gets it once. A pod
// of another scheduler, or of another run of the gang, is not bound by what the members say.
func (g *Gang) RuntimeOf(uid string, stated time.Duration) time.Duration {
	m := g.members[uid]
	switch {
	case m == nil:
		return 0
	case m.Foreign || m.otherRun:
		stated = m.Spec.ExpectedRuntime
	}
	return AtMost(stated, m.Deadline)
}

// ExpectedRuntime is how long the gang runs once it has started: until its last member ends. The deadlines count if all members have one.
// It is 0 if it is unknown.
func (g *Gang) ExpectedRuntime() time.Duration {
	deadline := time.Duration(0)
	if g.tally.endless == 0 && g.unborn() == 0 {
		deadline = g.longestOf(firstDeadline)
	}
	return AtMost(g.StatedRuntime(), deadline)
}

// BackfillRuntime is ExpectedRuntime for a gang that asks for capacity that is set aside for others. It is unknown while declared members
// do not exist: slots are held for them then, and when these end nobody knows.
func (g *Gang) BackfillRuntime() time.Duration {
	if g.unborn() > 0 {
		return 0
	}
	return g.ExpectedRuntime()
}
