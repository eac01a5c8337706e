package explain

import (
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// Understood is what the annotations of a gang's pods ask for besides how many of them start together, as the scheduler understands them.
// What they do not say is left out, and so is that on which they disagree.
type Understood struct {
	Topology *TopologyAsked `json:"topology,omitempty"`
	// Roles are the roles that ask for a topology of their own members.
	Roles []RoleAsked `json:"roles,omitempty"`
	// Preemptible is false if others may not take what the gang uses.
	Preemptible *bool `json:"preemptible,omitempty"`
	// ExpectedRuntime is the smaller of what the annotation and spec.activeDeadlineSeconds of the pods say. It is a Go duration, like the
	// timeouts.
	ExpectedRuntime    string             `json:"expectedRuntime,omitempty"`
	Placement          gang.Placement     `json:"placement,omitempty"`
	RestartPolicy      gang.RestartPolicy `json:"restartPolicy,omitempty"`
	OnPartial          gang.OnPartial     `json:"onPartial,omitempty"`
	ScheduleTimeout    string             `json:"scheduleTimeout,omitempty"`
	ReservationTimeout string             `json:"reservationTimeout,omitempty"`
}

// TopologyAsked is where members have to be in the topology of the nodes. Keys are those of node labels.
type TopologyAsked struct {
	// Required is the key of which one domain holds all members.
	Required string `json:"required,omitempty"`
	// Preferred are keys, the narrowest first: the first of which one domain holds all members counts.
	Preferred []string `json:"preferred,omitempty"`
	// SliceRequired is the key of which one domain holds each slice of SliceSize members.
	SliceRequired string `json:"sliceRequired,omitempty"`
	SliceSize     int    `json:"sliceSize,omitempty"`
	// Spread is the key over whose domains the members are spread evenly.
	Spread string `json:"spread,omitempty"`
}

// RoleAsked is what a role asks for.
type RoleAsked struct {
	Name     string        `json:"name"`
	Topology TopologyAsked `json:"topology"`
}

// understood returns what the pods of a gang say.
func understood(of *gangread.Gang, pods []*corev1.Pod, schedulers []string, now time.Time) *Understood {
	said := gangread.Applies(of.Key, pods, schedulers, now)
	u := Understood{
		ExpectedRuntime: durationOf(said.ExpectedRuntime), Placement: said.Placement, RestartPolicy: said.RestartPolicy,
		OnPartial: said.OnPartial, ScheduleTimeout: durationOf(said.Timeout), ReservationTimeout: durationOf(said.ReservationTimeout),
	}
	if t := said.Topology.Topology(); t.Any() {
		u.Topology = new(TopologyAsked(t))
	}
	if said.Preemptible != "" {
		u.Preemptible = new(said.Preemptible == gang.MayBePreempted)
	}
	for _, role := range said.Roles.All() {
		if role.Topology.Any() {
			u.Roles = append(u.Roles, RoleAsked{Name: role.Name, Topology: TopologyAsked(role.Topology)})
		}
	}
	return &u
}

// durationOf writes a duration without the units that are zero, empty for none.
func durationOf(d time.Duration) string {
	if d == 0 {
		return ""
	}
	text := d.String()
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, unit) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// lines are what is understood, each with a title.
func (u *Understood) lines() [][2]string {
	if u == nil {
		return nil
	}
	var all [][2]string
	add := func(title, text string) {
		if text != "" {
			all = append(all, [2]string{title, text})
		}
	}
	if u.Topology != nil {
		add("Topology", u.Topology.sentence())
	}
	for i := range u.Roles {
		add("  "+u.Roles[i].Name, u.Roles[i].Topology.sentence())
	}
	switch {
	case u.Preemptible == nil:
	case *u.Preemptible:
		add("Preemptible", "yes")
	default:
		add("Preemptible", "no: it starts only within the guarantee of its queue")
	}
	add("Runtime", u.ExpectedRuntime)
	add("Placement", string(u.Placement))
	add("Restarts", string(u.RestartPolicy))
	add("If partial", string(u.OnPartial))
	add("Warns after", u.ScheduleTimeout)
	add("Slots held", u.ReservationTimeout)
	return all
}

// sentence says where the members have to be.
func (t *TopologyAsked) sentence() string {
	var parts []string
	if t.Required != "" {
		parts = append(parts, "all in one "+t.Required)
	}
	if len(t.Preferred) > 0 {
		parts = append(parts, "better in one "+strings.Join(t.Preferred, ", or else in one "))
	}
	if t.SliceRequired != "" {
		parts = append(parts, "each "+strconv.Itoa(t.SliceSize)+" in one "+t.SliceRequired)
	}
	if t.Spread != "" {
		parts = append(parts, "spread evenly over "+t.Spread)
	}
	return strings.Join(parts, "; ")
}
