package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	schedulinginformers "k8s.io/client-go/informers/scheduling/v1alpha2"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/features"
)

const (
	workers = 5
	// gcSyncPeriod is how late the garbage collector learns of new resource
	// types; kube-controller-manager has the same.
	gcSyncPeriod = 30 * time.Second
)

// startControllers starts the controllers of kube-controller-manager that turn
// workloads into pods, that bind volumes and make resource claims, and that clean
// up; with real nodes also those that nodes need. Each is taken from its own
// package: kube-controller-manager's command would bring in volume plugins, cloud
// and network.
func (cp *ControlPlane) startControllers(realNodes bool) error {
	config := cp.controllerConfig("kube-controller-manager")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create metadata client: %w", err)
	}

	g := cp.newGroup()
	f := informers.NewSharedInformerFactory(client, 0)
	metadataInformers := metadatainformer.NewSharedInformerFactory(metadataClient, 0)
	started := make(chan struct{})

	if err := addWorkloadControllers(g, client, f); err != nil {
		return err
	}
	if err := addVolumeControllers(g, client, f); err != nil {
		return err
	}
	if err := addDeviceControllers(g, client, f); err != nil {
		return err
	}
	if err := addNamespaceControllers(g, client, metadataClient, f); err != nil {
		return err
	}
	if realNodes {
		if err := addNodeControllers(g, client, f, cp.pki.caPEM); err != nil {
			return err
		}
	}
	all := informerfactory.NewInformerFactory(f, metadataInformers)
	if err := addGarbageCollector(g, client, metadataClient, all, started); err != nil {
		return err
	}

	f.Start(g.ctx.Done())
	metadataInformers.Start(g.ctx.Done())
	close(started)
	g.wg.Go(func() {
		<-g.ctx.Done()
		f.Shutdown()
		metadataInformers.Shutdown()
	})
	return nil
}

// controllerConfig returns a client configuration for built-in types.
func (cp *ControlPlane) controllerConfig(userAgent string) *rest.Config {
	c := cp.Config()
	c.UserAgent = userAgent
	c.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	c.ContentType = runtime.ContentTypeProtobuf
	return c
}

func addWorkloadControllers(g *group, client kubernetes.Interface, f informers.SharedInformerFactory) error {
	pods := f.Core().V1().Pods()
	apps := f.Apps().V1()

	var workloads schedulinginformers.WorkloadInformer
	var podGroups schedulinginformers.PodGroupInformer
	if utilfeature.DefaultFeatureGate.Enabled(features.WorkloadWithJob) {
		workloads = f.Scheduling().V1alpha2().Workloads()
		podGroups = f.Scheduling().V1alpha2().PodGroups()
	}
	jobs, err := job.NewController(g.ctx, client, pods, f.Batch().V1().Jobs(), workloads, podGroups)
	if err != nil {
		return fmt.Errorf("create job controller: %w", err)
	}
	deployments, err := deployment.NewDeploymentController(g.ctx, apps.Deployments(), apps.ReplicaSets(), pods, client)
	if err != nil {
		return fmt.Errorf("create deployment controller: %w", err)
	}
	replicaSets := replicaset.NewReplicaSetController(g.ctx, apps.ReplicaSets(), pods, client, replicaset.BurstReplicas)
	statefulSets := statefulset.NewStatefulSetController(g.ctx, pods, apps.StatefulSets(),
		f.Core().V1().PersistentVolumeClaims(), apps.ControllerRevisions(), client)

	g.runController("job controller", jobs.Run)
	g.runController("deployment controller", deployments.Run)
	g.runController("replicaset controller", replicaSets.Run)
	g.runController("statefulset controller", statefulSets.Run)
	return nil
}

func addNamespaceControllers(
	g *group, client kubernetes.Interface, metadataClient metadata.Interface, f informers.SharedInformerFactory,
) error {
	namespaces := namespace.NewNamespaceController(g.ctx, client, metadataClient,
		client.Discovery().ServerPreferredNamespacedResources,
		f.Core().V1().Namespaces(), 5*time.Minute, corev1.FinalizerKubernetes)
	serviceAccounts, err := serviceaccount.NewServiceAccountsController(klog.FromContext(g.ctx),
		f.Core().V1().ServiceAccounts(), f.Core().V1().Namespaces(), client,
		serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return fmt.Errorf("create serviceaccount controller: %w", err)
	}
	g.runController("namespace controller", namespaces.Run)
	g.runController("serviceaccount controller", serviceAccounts.Run)
	return nil
}

func addGarbageCollector(
	g *group, client kubernetes.Interface, metadataClient metadata.Interface,
	f informerfactory.InformerFactory, started <-chan struct{},
) error {
	// The mapper has a discovery cache of its own: Sync must see changes first.
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	gc, err := garbagecollector.NewGarbageCollector(g.ctx, client, metadataClient, mapper,
		garbagecollector.DefaultIgnoredResources(), f, started)
	if err != nil {
		return fmt.Errorf("create garbage collector: %w", err)
	}
	g.run("garbage collector", func(ctx context.Context) error {
		gc.Run(ctx, workers, gcSyncPeriod)
		return nil
	})
	g.run("garbage collector's discovery", func(ctx context.Context) error {
		gc.Sync(ctx, client.Discovery(), gcSyncPeriod)
		return nil
	})
	return nil
}

func (g *group) runController(name string, run func(context.Context, int)) {
	g.run(name, func(ctx context.Context) error {
		run(ctx, workers)
		return nil
	})
}
