package cycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// Nodes copies what the scheduler knows of the nodes. It writes nothing.
type Nodes struct {
	sched  *scheduler.Scheduler
	ledger *ledger.Ledger
	slots  *slots.Held
}

// NewNodes returns a Nodes.
func NewNodes(sched *scheduler.Scheduler, parts Parts) *Nodes {
	return &Nodes{sched: sched, ledger: parts.Ledger, slots: parts.Slots}
}

// Seen is what the scheduler knew of the nodes at one moment. Nothing in it changes, so Answer takes no time of the scheduler.
type Seen struct {
	nodes []seenNode
	// placeholders stand for capacity that is held or set aside.
	placeholders []*corev1.Pod
	ledger       *ledger.Ledger
	at           time.Time
}

// seenNode is a node and the pods that are there, or are being bound to it. Placeholders are among them.
type seenNode struct {
	node        *corev1.Node
	allocatable fwk.Resource
	pods        []fwk.PodInfo
}

// Look copies the nodes from the snapshot of the scheduling cycles, which it brings up to date. It must not run during one.
func (n *Nodes) Look(ctx context.Context) (*Seen, error) {
	snapshot, err := n.snapshot()
	if err != nil {
		return nil, err
	}
	if err := n.sched.Cache.UpdateSnapshot(klog.FromContext(ctx), snapshot); err != nil {
		return nil, fmt.Errorf("taking a snapshot of the cluster: %w", err)
	}
	infos, err := snapshot.NodeInfos().List()
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of the snapshot: %w", err)
	}
	total := 0
	for _, info := range infos {
		total += len(info.GetPods())
	}
	seen := &Seen{nodes: make([]seenNode, len(infos)), placeholders: n.slots.Placeholders(), ledger: n.ledger, at: time.Now()}
	pods := make([]fwk.PodInfo, 0, total) // the lists of pods change in place; all else is replaced as a whole
	for i, info := range infos {
		from := len(pods)
		pods = append(pods, info.GetPods()...)
		seen.nodes[i] = seenNode{node: info.Node(), allocatable: info.GetAllocatable(), pods: pods[from:len(pods):len(pods)]}
	}
	return seen, nil
}

// snapshot returns the one that all profiles share.
func (n *Nodes) snapshot() (*internalcache.Snapshot, error) {
	for _, profile := range n.sched.Profiles {
		if snapshot, ok := profile.SnapshotSharedLister().(*internalcache.Snapshot); ok {
			return snapshot, nil
		}
	}
	return nil, errors.New("no profile has a snapshot of the usual kind")
}
