// raw binds pods without deciding anything, with 24 requests in flight. It measures the limit of the API server on this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// inFlight is the number of requests in flight.
	inFlight = 24
	// queued is larger than the number of pods of any run.
	queued = 1 << 20
)

func main() {
	if err := command().Execute(); err != nil {
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var kubeconfig, name string
	cmd := &cobra.Command{
		Use:          "raw",
		Short:        "Bind pods round robin over all nodes; print a line when ready",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return run(ctx, cmd, kubeconfig, name)
		},
	}
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig")
	cmd.Flags().StringVar(&name, "scheduler-name", "raw", "bind pods with this schedulerName")
	return cmd
}

func run(ctx context.Context, cmd *cobra.Command, kubeconfig, name string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	config.ContentType = runtime.ContentTypeProtobuf
	config.NextProtos = []string{"http/1.1"} // one connection for each request in flight costs the least
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	if len(nodes.Items) == 0 {
		return errors.New("there are no nodes")
	}

	pods := make(chan *corev1.Pod, queued)
	b := &binder{client: client, nodes: nodes.Items}
	for range inFlight {
		go b.bindAll(ctx, pods)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = "spec.nodeName=,spec.schedulerName=" + name
		}))
	if _, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if pod, ok := obj.(*corev1.Pod); ok {
				pods <- pod
			}
		},
	}); err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	fmt.Fprintln(cmd.OutOrStdout(), "ready")
	<-ctx.Done()
	return nil
}

type binder struct {
	client kubernetes.Interface
	nodes  []corev1.Node
	next   atomic.Uint64
}

func (b *binder) bindAll(ctx context.Context, pods <-chan *corev1.Pod) {
	for {
		select {
		case <-ctx.Done():
			return
		case pod := <-pods:
			node := b.nodes[b.next.Add(1)%uint64(len(b.nodes))].Name
			err := b.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
				ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
				Target:     corev1.ObjectReference{Kind: "Node", Name: node},
			}, metav1.CreateOptions{})
			if err != nil && ctx.Err() == nil {
				fmt.Fprintf(os.Stderr, "binding %s: %v\n", pod.Name, err)
			}
		}
	}
}
