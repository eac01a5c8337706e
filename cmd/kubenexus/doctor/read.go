package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/internal/doctor"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
	"github.com/kubenexus/kubenexus-scheduler/internal/version"
)

// installed selects the Deployments and pods of the scheduler, as the manifests and the chart label them.
const installed = "app.kubernetes.io/part-of=kubenexus,app.kubernetes.io/component=scheduler"

// reader reads the facts.
type reader struct {
	*options
	client kubernetes.Interface
	own    string // the user's namespace
	queues types.NamespacedName
	facts  *doctor.Facts
}

// read returns what is to be known about the cluster. What cannot be read has its own error; the error of read says that the cluster cannot
// be reached at all.
func (o *options) read(ctx context.Context) (*doctor.Facts, error) {
	queues, err := o.cluster.Queues()
	if err != nil {
		return nil, err
	}
	client, namespace, err := o.cluster.Connect()
	if err != nil {
		return nil, fmt.Errorf("%w; set --kubeconfig, the variable KUBECONFIG, or --server", err)
	}
	r := reader{options: o, client: client, own: namespace, queues: queues, facts: &doctor.Facts{
		Now: time.Now(), Schedulers: o.cluster.Schedulers, Namespace: o.namespace, Lease: o.lease,
		Command: version.String(), UserNamespace: namespace, QueuesName: queues.String(),
	}}
	server, err := client.Discovery().ServerVersion()
	if err != nil && !isAnswer(err) {
		return nil, fmt.Errorf("no API server answers: %w; see whether the cluster runs, and whether --kubeconfig (or the variable "+
			"KUBECONFIG), "+
			"--context or --server name the right one", err)
	}
	r.facts.Server.Err = err
	if server != nil {
		r.facts.Server.Value = server.GitVersion
	}
	r.installation(ctx)
	r.rights(ctx)
	r.objects(ctx)
	r.facts.Now = time.Now()
	return r.facts, nil
}

// isAnswer reports whether an API server answered with the error.
func isAnswer(err error) bool {
	_, answered := errors.AsType[*apierrors.StatusError](err)
	return answered
}

// installation reads what is installed.
func (r *reader) installation(ctx context.Context) {
	selected := metav1.ListOptions{LabelSelector: installed}
	holder, err := r.client.CoordinationV1().Leases(r.namespace).Get(ctx, r.lease, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		r.facts.Holder.Err = err
	default:
		r.facts.Holder.Value = holder
	}
	if deployments, err := r.client.AppsV1().Deployments(r.namespace).List(ctx, selected); err != nil {
		r.facts.Deployments.Err = err
	} else {
		r.facts.Deployments.Value = deployments.Items
	}
	if pods, err := r.client.CoreV1().Pods(r.namespace).List(ctx, selected); err != nil {
		r.facts.Replicas.Err = err
	} else {
		r.facts.Replicas.Value = pods.Items
	}
	r.facts.ServiceAccount = r.serviceAccount
	for i := range r.facts.Deployments.Value {
		r.facts.ServiceAccount = cmp.Or(r.facts.ServiceAccount, r.facts.Deployments.Value[i].Spec.Template.Spec.ServiceAccountName)
	}
	r.facts.ServiceAccount = cmp.Or(r.facts.ServiceAccount, scheduler.Name)
}

// rights asks what the user and the scheduler may do.
func (r *reader) rights(ctx context.Context) {
	for _, right := range doctor.UserRights() {
		review := &authorizationv1.SelfSubjectAccessReview{}
		review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes = attributes(right, r.own)
		answer, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			r.facts.UserRights.Err = err
			break
		}
		r.facts.UserRights.Value = append(r.facts.UserRights.Value, answer.Status.Allowed)
	}
	in := r.namespace
	for _, right := range doctor.SchedulerRights(r.lease) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:" + in + ":" + r.facts.ServiceAccount,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + in, "system:authenticated"},
		}}
		review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes = attributes(right, in)
		answer, err := r.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			r.facts.SchedulerRights.Err = err
			break
		}
		r.facts.SchedulerRights.Value = append(r.facts.SchedulerRights.Value, answer.Status.Allowed)
	}
}

// attributes returns a right as the API server is asked for it.
func attributes(right doctor.Right, namespace string) (*authorizationv1.ResourceAttributes, *authorizationv1.NonResourceAttributes) {
	if right.Path != "" {
		return nil, &authorizationv1.NonResourceAttributes{Path: right.Path, Verb: right.Verb}
	}
	if !right.Namespaced {
		namespace = ""
	}
	return &authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: right.Verb, Group: right.Group, Version: "*", Resource: right.Resource, Subresource: right.Subresource,
		Name: right.Name,
	}, nil
}

// objects reads the objects of the cluster.
func (r *reader) objects(ctx context.Context) {
	config, configured, err := gangread.Queues(ctx, r.client, r.queues)
	r.facts.Queues = doctor.Read[doctor.Queues]{Value: doctor.Queues{Config: config, Configured: configured}, Err: err}
	r.facts.Pods.Value, err = gangread.List(ctx, r.client, metav1.NamespaceAll)
	if apierrors.IsForbidden(err) {
		r.facts.OnlyNamespace = r.own
		r.facts.Pods.Value, err = gangread.List(ctx, r.client, r.own)
	}
	r.facts.Pods.Err = err
	if classes, err := r.client.SchedulingV1().PriorityClasses().List(ctx, metav1.ListOptions{}); err != nil {
		r.facts.Priorities.Err = err
	} else {
		r.facts.Priorities.Value = classes.Items
	}
	r.policies(ctx)
	for _, groups := range doctor.ForeignGroups() {
		groups.Count.Value, groups.Count.Err = r.count(ctx, groups.Path)
		r.facts.Groups = append(r.facts.Groups, groups)
	}
}

func (r *reader) policies(ctx context.Context) {
	if policies, err := r.client.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{}); err != nil {
		r.facts.Policies.Err = err
	} else {
		for i := range policies.Items {
			r.facts.Policies.Value = append(r.facts.Policies.Value, policies.Items[i].Name)
		}
	}
	if bindings, err := r.client.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{}); err != nil {
		r.facts.Bound.Err = err
	} else {
		for i := range bindings.Items {
			r.facts.Bound.Value = append(r.facts.Bound.Value, bindings.Items[i].Spec.PolicyName)
		}
	}
}

// page is how many objects are read to count them: what is left is counted by the API server.
const page = 100

// count returns how many objects a list has that this program has no types for; none if the API server does not have it.
func (r *reader) count(ctx context.Context, path string) (int, error) {
	body, err := r.client.Discovery().RESTClient().Get().AbsPath(path).Param("limit", fmt.Sprint(page)).
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json").Do(ctx).Raw()
	switch {
	case apierrors.IsNotFound(err):
		return 0, nil
	case err != nil:
		return 0, err
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(body, &list); err != nil {
		return 0, fmt.Errorf("reading %s: %w", path, err)
	}
	n := len(list.Items)
	if list.RemainingItemCount != nil {
		n += int(*list.RemainingItemCount)
	}
	return n, nil
}
