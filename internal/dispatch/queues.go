package dispatch

import (
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// queueConfig is the configuration of queues that is in force.
type queueConfig struct {
	configuring sync.Mutex
	config      *queue.Config
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

// nodeChanged tells the ledger what a node has; nil means that it is gone.
func (p *Dispatcher) nodeChanged(name string, node *corev1.Node) {
	again, decisions := p.ledger.NodeChanged(name, node)
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
