package dispatch

import (
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// queueConfig is the configuration of queues that is in force.
type queueConfig struct {
	configuring sync.Mutex
	// counting serializes the updates of nodes in the ledger.
	counting sync.Mutex
	config   *queue.Config
}

// Configure makes the queues as configured; nil means that none are.
func (p *Dispatcher) Configure(config *queue.Config) error {
	p.configuring.Lock()
	defer p.configuring.Unlock()
	if config == nil && p.config == nil {
		return nil
	}
	p.config = config
	return p.configure()
}

// configure tells the ledger. configuring must be locked.
func (p *Dispatcher) configure() error {
	informers := p.handle.SharedInformerFactory().Core().V1()
	pods, err := informers.Pods().Lister().List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing pods from the informer: %w", err)
	}
	nodes, err := informers.Nodes().Lister().List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing nodes from the informer: %w", err)
	}
	slices.SortFunc(pods, byAge) // the lister has them in no order
	p.Perform(p.ledger.Configure(p.config, pods, nodes))
	return nil
}

// watchCordons updates the ledger when a node is cordoned or uncordoned, because queues share only schedulable nodes. The scheduler has no
// cluster event for a cordon: it makes no pod schedulable.
func (p *Dispatcher) watchCordons() error {
	_, err := p.handle.SharedInformerFactory().Core().V1().Nodes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, now any) {
			old, _ := before.(*corev1.Node)
			node, ok := now.(*corev1.Node)
			if old != nil && ok && node.Spec.Unschedulable != old.Spec.Unschedulable {
				p.nodeChanged(node.Name, node)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching nodes: %w", err)
	}
	return nil
}

// nodeChanged updates a node in the ledger, or removes it if node is nil. Event handlers call it from several goroutines, so it reads the
// node from the lister: an older update must not replace a newer one.
func (p *Dispatcher) nodeChanged(name string, node *corev1.Node) {
	p.counting.Lock()
	if node != nil {
		if now, err := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister().Get(name); err == nil {
			node = now
		}
	}
	again, decisions := p.ledger.NodeChanged(name, node)
	p.counting.Unlock()
	p.Perform(decisions)
	if !again {
		return
	}
	p.configuring.Lock()
	defer p.configuring.Unlock()
	if err := p.configure(); err != nil {
		p.logger.Error(err, "Failed to count a new resource of a node", "node", name)
	}
}
