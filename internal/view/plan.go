package view

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// Plan is the result of planning: a node for each member, or the reason why there is no plan.
type Plan struct {
	gang.Planned
	// Members are the members in Pins, in the same order.
	Members []Member
	// Finding is why there is no plan, or nil.
	Finding *gang.Finding
}

// Member is an existing member and the node it is planned for.
type Member struct {
	Pod  *corev1.Pod
	Node string
	// State belongs to this member only. PreFilter wrote it with no other member of the gang placed.
	State fwk.CycleState
	// Late says that the member has volumes or devices, so the filters must run again for it once earlier members are reserved.
	Late bool
}

// Planner plans the gangs of one profile.
type Planner struct {
	Framework framework.Framework
	// Pods returns a member's pod, or nil if it is gone.
	Pods  func(gang.Ref) (*corev1.Pod, error)
	Slots *slots.Held
	// Ledger records what parked gangs lacked.
	Ledger *ledger.Ledger
	// Gate is the name of our own PreEnqueue plugin. The planner leaves out members that another plugin gates.
	Gate string

	standings standings
	topology  topologies
	// near is how many nodes are searched first for a single pod that preempts; 0: nearNodes.
	near int
}

// Suppose calls f, and lets the planner find these pods, by UID, as members meanwhile. They exist nowhere else.
func (p *Planner) Suppose(pods map[string]*corev1.Pod, f func()) {
	known := p.Pods
	defer func() { p.Pods = known }()
	p.Pods = func(ref gang.Ref) (*corev1.Pod, error) {
		if pod := pods[ref.UID]; pod != nil {
			return pod, nil
		}
		return known(ref)
	}
	f()
}

// Plan finds a node for each member in the task, all against the snapshot of this scheduling cycle. It does not plan a member on its
// excluded nodes. If the gang does not fit, Plan.Finding has the reason; the error is for plugins that failed.
func (p *Planner) Plan(ctx context.Context, task gang.Task, excluded Exclusions) (Plan, error) {
	team, held := p.teamFor(ctx, task)
	if len(team.pods) < task.Need || team.lacks {
		return Plan{Finding: &gang.Finding{
			Detail:   fmt.Sprintf("%s keeps %d of its pods out of the scheduling queue", held, team.kept),
			Shortage: gang.Shortage{Anything: true},
		}}, nil
	}
	v, err := p.viewFor(ctx, task, team, excluded)
	if err != nil {
		return Plan{}, err
	}
	defer v.release()
	found, fits := v.find(v.sized(), task.Need, strategies[task.Placement])
	if v.err != nil {
		return Plan{}, fmt.Errorf("planning gang %s: %w", task.Gang, v.err)
	}
	if !fits {
		finding := v.explain(found, task)
		if v.err != nil {
			return Plan{}, fmt.Errorf("explaining why gang %s does not fit: %w", task.Gang, v.err)
		}
		finding.Detail = p.Slots.Mention(finding.Detail, v.snapshot)
		return Plan{Finding: &finding}, nil
	}
	beyond := p.Slots.BeyondShare(p.Framework.ProfileName(), task.Gang.Namespace, task.Roles, slots.Total(v.snapshot))
	if task.DeclaredMembers() > 0 && beyond != "" {
		return Plan{Finding: &gang.Finding{Fit: found.Placed, Detail: beyond, Shortage: gang.Shortage{Anything: true}}}, nil
	}
	return v.pins(found, team), nil
}

// viewFor returns the view that the team is planned on. Call its release when it is not needed any more.
func (p *Planner) viewFor(ctx context.Context, task gang.Task, team team, excluded Exclusions) (*view, error) {
	f := p.Framework
	promised, err := promises(f, team.pods)
	if err != nil {
		return nil, err
	}
	p.countOnce(promised)
	classes, err := classify(ctx, team, f.SnapshotSharedLister().NodeInfos(), promised)
	if err != nil {
		return nil, fmt.Errorf("comparing the pods of gang %s: %w", task.Gang, err)
	}
	excluded.apply(classes)
	v, err := newView(ctx, f, classes, promised, p.namespaceLabels(task.Gang.Namespace))
	if err != nil {
		return nil, err
	}
	v.avoid = task.Avoid
	v.where = p.whereabouts(v, task)
	return v, nil
}

// countOnce removes the nominations of members for which placeholders hold capacity on their nodes: these count already.
func (p *Planner) countOnce(promised map[string][]fwk.PodInfo) {
	standing := map[gang.Key]map[string]struct{}{}
	for node, infos := range promised {
		promised[node] = slices.DeleteFunc(infos, func(info fwk.PodInfo) bool {
			key, member := p.Ledger.GangOf(info.GetPod().UID)
			if !member {
				return false
			}
			if standing[key] == nil {
				standing[key] = p.Slots.Standing(key)
			}
			_, counts := standing[key][node]
			return counts
		})
	}
}

// pins converts a placement into nodes for members, and for the slots of members that do not exist yet.
func (v *view) pins(found placement.Plan, t team) Plan {
	p := Plan{Planned: gang.Planned{Pins: make([]gang.Pin, 0, found.Placed)}}
	next := make([]int, len(v.classes))
	for _, i := range v.placed {
		c, j := v.classes[i], next[i]
		next[i]++
		node := v.nodes[found.Nodes[i][j]].Node().Name
		if role, declared := t.declared[c.pods[j]]; declared {
			p.Slots = append(p.Slots, gang.Slot{Role: role, Node: node})
			continue
		}
		p.Pins = append(p.Pins, gang.Pin{UID: string(c.pods[j].UID), Node: node})
		p.Members = append(p.Members, Member{Pod: c.pods[j], Node: node, State: c.base.Clone(), Late: c.stateful})
	}
	return p
}

//nolint:gochecknoglobals // a constant table
var strategies = map[gang.Placement]placement.Strategy{gang.Pack: placement.Pack, gang.Spread: placement.Spread}

// gatedBy returns the name of another PreEnqueue plugin that gates the pod, or "".
func (p *Planner) gatedBy(ctx context.Context, pod *corev1.Pod) string {
	for _, gate := range p.Framework.PreEnqueuePlugins() {
		if gate.Name() != p.Gate && !gate.PreEnqueue(ctx, pod).IsSuccess() {
			return gate.Name()
		}
	}
	return ""
}

func (p *Planner) namespaceLabels(name string) labels.Set {
	ns, err := p.Framework.SharedInformerFactory().Core().V1().Namespaces().Lister().Get(name)
	if err != nil {
		return nil // as upstream: an unknown namespace has no labels
	}
	return ns.Labels
}

// statefulCost is how many times longer filters take that allocate devices or find volumes, compared with those of an ordinary pod.
const statefulCost = 10

// sized describes the classes to the planner. The size of a class is its dominant share of the largest node.
func (v *view) sized() []placement.Class {
	sized := make([]placement.Class, len(v.classes))
	for i, c := range v.classes {
		sized[i] = placement.Class{Members: len(c.pods), Must: c.must, Local: c.local}
		if v.stopped() {
			continue
		}
		sized[i].Tiers = v.tiers(c)
		c.among = v.among(c)
		sized[i].Renew, sized[i].Follows = v.costAmong(c), v.follows(c)
		if c.stateful {
			sized[i].Cost = statefulCost
		}
		if len(v.classes) > 1 {
			sized[i].Size = v.dominantShare(c)
		}
	}
	return sized
}

func (v *view) dominantShare(c *class) float64 {
	share := 0.0
	for _, a := range c.Amounts() {
		largest := int64(0)
		for _, node := range v.snapshot {
			largest = max(largest, requests.Amount(node.GetAllocatable(), a.Resource))
		}
		share = max(share, float64(a.Quantity)/float64(max(largest, 1)))
	}
	return share
}
