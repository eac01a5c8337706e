package controlplane

import (
	"context"
	"fmt"
	"time"

	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/resourceclaim"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
	"k8s.io/kubernetes/pkg/features"
)

// volumeSyncPeriod is how often all volumes and claims are compared; kube-controller-manager has the same.
const volumeSyncPeriod = 15 * time.Second

// addVolumeControllers adds the controllers that bind claims to volumes and remove their finalizers when they are deleted. There is no
// volume plugin: static volumes are bound, and tests play the provisioner of other classes.
func addVolumeControllers(g *group, client kubernetes.Interface, f informers.SharedInformerFactory) error {
	core := f.Core().V1()
	volumes, err := persistentvolume.NewController(g.ctx, persistentvolume.ControllerParameters{
		KubeClient:                client,
		SyncPeriod:                volumeSyncPeriod,
		VolumeInformer:            core.PersistentVolumes(),
		ClaimInformer:             core.PersistentVolumeClaims(),
		ClassInformer:             f.Storage().V1().StorageClasses(),
		PodInformer:               core.Pods(),
		NodeInformer:              core.Nodes(),
		EnableDynamicProvisioning: true,
	})
	if err != nil {
		return fmt.Errorf("create persistent volume controller: %w", err)
	}
	log := klog.FromContext(g.ctx)
	claimProtection, err := pvcprotection.NewPVCProtectionController(log, core.PersistentVolumeClaims(), core.Pods(), client)
	if err != nil {
		return fmt.Errorf("create claim protection controller: %w", err)
	}
	volumeProtection := pvprotection.NewPVProtectionController(log, core.PersistentVolumes(), client)

	g.run("persistent volume controller", func(ctx context.Context) error {
		volumes.Run(ctx)
		return nil
	})
	g.runController("claim protection controller", claimProtection.Run)
	g.runController("volume protection controller", volumeProtection.Run)
	return nil
}

// addDeviceControllers adds the controller that creates resource claims from templates and deletes them with their pods, if the API
// server has resource claims in the version that the controller reads.
func addDeviceControllers(g *group, client kubernetes.Interface, f informers.SharedInformerFactory) error {
	_, err := client.Discovery().ServerResourcesForGroupVersion(resourcev1.SchemeGroupVersion.String())
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for %s: %w", resourcev1.SchemeGroupVersion, err)
	}
	gate := utilfeature.DefaultFeatureGate
	claims, err := resourceclaim.NewController(klog.FromContext(g.ctx), resourceclaim.Features{
		AdminAccess:     gate.Enabled(features.DRAAdminAccess),
		PrioritizedList: gate.Enabled(features.DRAPrioritizedList),
	}, client, f.Core().V1().Pods(), nil, f.Resource().V1().ResourceClaims(), f.Resource().V1().ResourceClaimTemplates())
	if err != nil {
		return fmt.Errorf("create resource claim controller: %w", err)
	}
	g.runController("resource claim controller", claims.Run)
	return nil
}
