package controlplane

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/nodelifecycle"
	"k8s.io/kubernetes/pkg/controller/tainteviction"
)

// ServiceAddress is the address of the Service "kubernetes", the first of the
// range of services. With real nodes the API server listens there itself, so
// that pods reach it without kube-proxy.
const ServiceAddress = "10.96.0.1"

const (
	// NodeGracePeriod is how long a real node may be silent before its pods are
	// evicted; kube-controller-manager waits 50 s.
	NodeGracePeriod = 10 * time.Second
	// nodeMonitorPeriod is how often that is looked at.
	nodeMonitorPeriod = time.Second

	// Below are the defaults of kube-controller-manager.

	nodeStartupGracePeriod = time.Minute
	nodeEvictionRate       = 0.1
	secondaryEvictionRate  = 0.01
	largeClusterSize       = 50
	unhealthyZoneThreshold = 0.55
)

// simulatedNodesArgs returns the flags of an API server whose nodes are
// simulated.
func simulatedNodesArgs() []string {
	return []string{
		"--authorization-mode=RBAC",
		// It taints new nodes as not ready; the controller that would take the
		// taint away does not run here.
		"--disable-admission-plugins=TaintNodesByCondition",
	}
}

// realNodesArgs returns the flags of an API server that kubelets join.
func realNodesArgs(p *pki) []string {
	return []string{
		// A kubelet has the rights of its node, and no others.
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--kubelet-client-certificate=" + p.adminCertFile,
		"--kubelet-client-key=" + p.adminKeyFile,
		// Nobody resolves the names of nodes here.
		"--kubelet-preferred-address-types=InternalIP",
		// Pods on a node that does not answer go after 5 s instead of 5 min.
		"--default-not-ready-toleration-seconds=5",
		"--default-unreachable-toleration-seconds=5",
	}
}

// addNodeControllers adds the controllers that find nodes which do not answer
// and evict their pods, and the one that gives each namespace the certificate of
// the API server's authority.
func addNodeControllers(g *group, client kubernetes.Interface, f informers.SharedInformerFactory, ca []byte) error {
	core := f.Core().V1()
	lifecycle, err := nodelifecycle.NewNodeLifecycleController(g.ctx, f.Coordination().V1().Leases(), core.Pods(), core.Nodes(),
		f.Apps().V1().DaemonSets(), client, nodeMonitorPeriod, nodeStartupGracePeriod, NodeGracePeriod,
		nodeEvictionRate, secondaryEvictionRate, largeClusterSize, unhealthyZoneThreshold)
	if err != nil {
		return fmt.Errorf("create node lifecycle controller: %w", err)
	}
	evictions, err := tainteviction.New(g.ctx, client, core.Pods(), core.Nodes(), "taint-eviction-controller")
	if err != nil {
		return fmt.Errorf("create taint eviction controller: %w", err)
	}
	publisher, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), client, ca)
	if err != nil {
		return fmt.Errorf("create root CA certificate publisher: %w", err)
	}
	// Not the pod garbage collector: it would bring the kubelet's packages into this program.
	for name, run := range map[string]func(context.Context){
		"node lifecycle controller": lifecycle.Run, "taint eviction controller": evictions.Run,
	} {
		g.run(name, func(ctx context.Context) error {
			run(ctx)
			return nil
		})
	}
	g.runController("root CA certificate publisher", publisher.Run)
	return nil
}

// NodeConfig returns a client configuration of the kubelet of the node with that
// name.
func (cp *ControlPlane) NodeConfig(name string) (*rest.Config, error) {
	certificate, key, err := issue(cp.pki.authority, cp.pki.authorityKey, client("system:node:"+name, user.NodesGroup))
	if err != nil {
		return nil, fmt.Errorf("create certificate of node %s: %w", name, err)
	}
	c := cp.Config()
	c.CertData, c.KeyData = certificate, key
	return c, nil
}

// CAFile returns the path of the certificate of the authority that issues the
// certificates of the API server and its clients.
func (cp *ControlPlane) CAFile() string { return cp.pki.ca }
