package coscheduling

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// planned is the outcome of planning: a plan, or why there is none.
type planned struct {
	gang.Planned
	// members are those of Pins, in the same order.
	members []plannedMember
	finding *gang.Finding
}

// plannedMember is a member that exists, with its node and its class.
type plannedMember struct {
	pod   *corev1.Pod
	node  string
	class *class
	// late says that volumes or devices are allocated to the member.
	late bool
}

// plan finds a node for each of the members that the task names, all against the snapshot of this scheduling cycle. It leaves out the
// nodes that refused a member.
func (pl *Plugin) plan(ctx context.Context, task gang.Task, excluded exclusions) (planned, error) {
	f, ok := pl.handle.(framework.Framework)
	if !ok {
		return planned{}, fmt.Errorf("the handle is a %T", pl.handle)
	}
	team, held := pl.teamFor(ctx, f, task)
	if len(team.pods) < task.Need || team.lacks {
		return planned{finding: &gang.Finding{
			Detail:   fmt.Sprintf("%s keeps %d of its pods out of the scheduling queue", held, team.kept),
			Shortage: gang.Shortage{Anything: true},
		}}, nil
	}
	nodes, err := f.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return planned{}, fmt.Errorf("listing the nodes of the snapshot: %w", err)
	}
	promised, err := promises(f, team.pods)
	if err != nil {
		return planned{}, err
	}
	classes, err := classify(team.pods, team.required, f.SnapshotSharedLister().NodeInfos(), promised)
	if err != nil {
		return planned{}, fmt.Errorf("comparing the pods of gang %s: %w", task.Gang, err)
	}
	excluded.apply(classes)
	v, err := newView(ctx, f, classes, promised, pl.namespaceLabels(task.Gang.Namespace))
	if err != nil {
		return planned{}, err
	}
	v.avoid = task.Avoid
	defer v.release()
	found, fits := placement.Find(v, placement.Gang{
		Classes: v.sized(), Min: task.Need, Strategy: strategies[task.Placement],
	})
	if v.err != nil {
		return planned{}, fmt.Errorf("planning gang %s: %w", task.Gang, v.err)
	}
	if !fits {
		finding := v.explain(found, task)
		finding.Detail = pl.mentionPlaces(finding.Detail, nodes)
		return planned{finding: &finding}, nil
	}
	beyond := pl.places.beyondShare(pl.handle.ProfileName(), task.Gang.Namespace, task.Roles, totalOf(nodes))
	if task.DeclaredMembers() > 0 && beyond != "" {
		return planned{finding: &gang.Finding{Fit: found.Placed, Detail: beyond, Shortage: gang.Shortage{Anything: true}}}, nil
	}
	return v.pins(found, team), nil
}

// pins says which member, or place of one that does not exist yet, goes where.
func (v *view) pins(found placement.Plan, t team) planned {
	p := planned{Planned: gang.Planned{Pins: make([]gang.Pin, 0, found.Placed)}}
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
		p.members = append(p.members, plannedMember{pod: c.pods[j], node: node, class: c, late: c.stateful})
	}
	return p
}

//nolint:gochecknoglobals // a table that is never changed
var strategies = map[gang.Placement]placement.Strategy{gang.Pack: placement.Pack, gang.Spread: placement.Spread}

// gatedBy returns the plugin that keeps the pod out of the queue, ours apart, or "".
func gatedBy(ctx context.Context, gates []fwk.PreEnqueuePlugin, pod *corev1.Pod) string {
	for _, gate := range gates {
		if gate.Name() != QueueName && !gate.PreEnqueue(ctx, pod).IsSuccess() {
			return gate.Name()
		}
	}
	return ""
}

func (pl *Plugin) namespaceLabels(name string) labels.Set {
	ns, err := pl.handle.SharedInformerFactory().Core().V1().Namespaces().Lister().Get(name)
	if err != nil {
		return nil // as upstream: a namespace that is not known has no labels
	}
	return ns.Labels
}

// statefulCost is how many times as long as the filters of an ordinary pod those take that allocate devices or find volumes.
const statefulCost = 10

// sized describes the classes to the planner: a class is as large as its dominant share of the largest node.
func (v *view) sized() []placement.Class {
	sized := make([]placement.Class, len(v.classes))
	for i, c := range v.classes {
		sized[i] = placement.Class{Members: len(c.pods), Must: c.must, Local: c.local}
		sized[i].Tiers = v.tiers(c)
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
	for _, a := range c.amounts() {
		largest := int64(0)
		for _, node := range v.snapshot {
			largest = max(largest, amountOf(node.GetAllocatable(), a.Resource))
		}
		share = max(share, float64(a.Quantity)/float64(max(largest, 1)))
	}
	return share
}
