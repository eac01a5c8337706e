//go:build linux

// Package nodes tests gangs on real nodes: kubelets, containers, the image and the manifests, in namespaces of their own. `make test-nodes`
// builds what that takes and runs it.
package nodes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/cli"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/node"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/sandbox"
)

const (
	// variable is set if the tests are to run; without it they are skipped.
	variable = "KUBENEXUS_TEST_NODES"
	// patience is many times longer than any step takes on a slow machine.
	patience = time.Minute
	bin      = "../../bin"
	// image is ours, upgraded another name of it, and work what the containers of gangs run.
	image    = "registry.example.com/kubenexus-scheduler:v1"
	upgraded = "registry.example.com/kubenexus-scheduler:v2"
	work     = node.PauseImage
)

var nodes = flag.Int("nodes", 2, "how many nodes to run")

// suite is what all tests share.
var suite struct {
	plane  *controlplane.ControlPlane
	client kubernetes.Interface
	nodes  []*node.Node
	// kubectl is the program, once it was needed.
	kubectl string
	// installed is whether the scheduler is there that tests share.
	installed bool
}

func TestMain(m *testing.M) {
	if process.Kind() == stock {
		os.Exit(cli.Run(newStockCommand()))
	}
	flag.Parse()
	if os.Getenv(variable) == "" {
		fmt.Println("SKIPPED: real nodes need root and what `make test-nodes` builds; run that.")
		os.Exit(0)
	}
	os.Exit(sandbox.Main(missing, func() int { return run(m) }))
}

// missing says what is not there that the tests need.
func missing() []string {
	lacks := sandbox.Missing()
	for _, name := range []string{"kubelet", "image", "nodes/image"} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			lacks = append(lacks, "make test-nodes builds bin/"+name+", which is not there")
		}
	}
	return lacks
}

// run starts the cluster, runs the tests, and stops it.
func run(m *testing.M) int {
	ctx := context.Background()
	if err := sandbox.Run("ip", "address", "add", controlplane.ServiceAddress+"/32", "dev", "lo"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	plane, err := controlplane.Start(ctx, controlplane.Options{RealNodes: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the control plane:", err)
		}
	}()
	suite.plane = plane
	suite.client = kubernetes.NewForConfigOrDie(plane.Config())
	if err := errors.Join(startStock(plane.Kubeconfig()), startNodes(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, "starting the nodes:", err)
		return 1
	}
	return m.Run()
}

// startNodes starts the nodes side by side, and gives them the images.
func startNodes(ctx context.Context) error {
	kubelet, err := filepath.Abs(filepath.Join(bin, "kubelet"))
	if err != nil {
		return err
	}
	suite.nodes = make([]*node.Node, *nodes)
	errs := make(chan error, *nodes)
	for i := range suite.nodes {
		go func() { errs <- startNode(ctx, i, kubelet) }()
	}
	var all []error
	for range suite.nodes {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

func startNode(ctx context.Context, i int, kubelet string) error {
	config, err := suite.plane.NodeConfig(node.Name(i + 1))
	if err != nil {
		return err
	}
	n, err := node.Start(ctx, node.Options{Number: i + 1, Kubelet: kubelet, Config: config, CAFile: suite.plane.CAFile()})
	if err != nil {
		return err
	}
	if err := n.Import(ctx, filepath.Join(bin, "image"), image, upgraded); err != nil {
		return err
	}
	if err := n.Import(ctx, filepath.Join(bin, "nodes/image")); err != nil {
		return err
	}
	suite.nodes[i] = n
	return nil
}

// errorsOf returns the last errors in the logs of a program of the nodes, for people.
func errorsOf(program string) string {
	var lines []string
	for _, n := range suite.nodes {
		log, err := os.ReadFile(n.LogFile(program))
		if err != nil {
			continue // for people only
		}
		for line := range strings.Lines(string(log)) {
			if strings.HasPrefix(line, "E") || strings.Contains(line, "level=error") {
				lines = append(lines, n.Name+": "+line)
			}
		}
	}
	return strings.Join(lines[max(0, len(lines)-30):], "")
}
