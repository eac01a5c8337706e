package controlplane

import (
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/apis/v1alpha1"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/yaml"
)

// RunForAnnotation on a pod says how long its containers run, as a Go duration
// such as "30s". Time counts from the pod's last change before it ends, which
// normally is its start. A value that is no duration means no time at all.
const RunForAnnotation = "demo.kubenexus.io/run-for"

// startSimulator starts kwok, which plays the kubelets of all nodes, except for
// pods with labels that the selector selects.
func (cp *ControlPlane) startSimulator(log io.Writer, notFor string) error {
	stages, err := stages()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cp.controllerConfig("kwok"))
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	c, err := controllers.NewController(controllers.Config{
		TypedClient:               client,
		ManageAllNodes:            true,
		LocalStages:               stages,
		CIDR:                      "10.128.0.0/9", // pods' addresses
		NodeIP:                    "127.0.0.1",    // of nodes that have no address
		NodePlayStageParallelism:  8,
		PodPlayStageParallelism:   16,
		PodsOnNodeSyncParallelism: 4,

		DisregardStatusWithLabelSelector: notFor,
	})
	if err != nil {
		return fmt.Errorf("create controller: %w", err)
	}
	// kwok offers no way to wait for its goroutines, nor do they ever fail.
	ctx := kwoklog.NewContext(cp.newGroup().ctx, kwoklog.NewLogger(log, kwoklog.LevelWarn))
	if err := c.Start(ctx); err != nil {
		return fmt.Errorf("start controller: %w", err)
	}
	return nil
}

// stages returns the rules by which kwok changes nodes and pods: kwok's own,
// but pods complete when their annotation says so rather than when a Job owns
// them, since a gang of pods is worth a look only while it runs.
func stages() (map[internalversion.StageResourceRef][]*internalversion.Stage, error) {
	byResource := map[internalversion.StageResourceRef][]*internalversion.Stage{}
	for _, text := range []string{
		nodefast.DefaultNodeInit,
		podfast.DefaultPodReady,
		podfast.DefaultPodComplete,
		podfast.DefaultPodDelete,
	} {
		var stage v1alpha1.Stage
		if err := yaml.UnmarshalStrict([]byte(text), &stage); err != nil {
			return nil, fmt.Errorf("decode kwok's stage: %w", err)
		}
		if text == podfast.DefaultPodComplete {
			completeByAnnotation(&stage)
		}
		internal, err := internalversion.ConvertToInternalStage(&stage)
		if err != nil {
			return nil, fmt.Errorf("convert kwok's stage %s: %w", stage.Name, err)
		}
		ref := internal.Spec.ResourceRef
		byResource[ref] = append(byResource[ref], internal)
	}
	return byResource, nil
}

// completeByAnnotation makes kwok's stage that completes pods wait for the time
// in RunForAnnotation, and ignore pods without it.
func completeByAnnotation(stage *v1alpha1.Stage) {
	const annotation = `.metadata.annotations["` + RunForAnnotation + `"]`
	stage.Spec.Selector = &v1alpha1.StageSelector{MatchExpressions: []v1alpha1.MatchExpression{
		{JQ: &v1alpha1.SelectorJQ{Key: ".metadata.deletionTimestamp", Operator: v1alpha1.SelectorOpDoesNotExist}},
		{JQ: &v1alpha1.SelectorJQ{Key: ".status.phase", Operator: v1alpha1.SelectorOpIn, Values: []string{string(corev1.PodRunning)}}},
		{JQ: &v1alpha1.SelectorJQ{Key: annotation, Operator: v1alpha1.SelectorOpExists}},
	}}
	stage.Spec.Delay = &v1alpha1.StageDelay{
		DurationFrom: &v1alpha1.ExpressionFrom{JQ: &v1alpha1.ExpressionJQ{Expression: annotation}},
	}
}
