package gang

// Applies returns what the members say that applies to the whole gang, as one member would say it. What no member says is zero, and so is
// that on which members disagree and of which those that run do not decide it. It has no name, no min-available and no role of a member.
func (g *Gang) Applies() Spec {
	g.rank()
	preemptible, _ := g.tally.says(preemptibleAspect)
	s := Spec{
		Timeout: g.longestOf(firstTimeout), ReservationTimeout: g.longestOf(firstReservation), RestartPolicy: g.restarts,
		OnPartial: g.partial, Roles: g.declared,
		Share: Share{
			Queue: g.Queue(), Preemptible: preemptible.Preemptible, ExpectedRuntime: g.ExpectedRuntime(), Topology: g.Topology().Stated(),
		},
	}
	if m := g.oldestThat(firstPlacement); m != nil {
		s.Placement = m.Spec.Placement
	}
	return s
}
