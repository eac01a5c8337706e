package view

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Budgets are the disruption budgets of the cluster.
type Budgets struct{ all []budget }

type budget struct {
	*policyv1.PodDisruptionBudget
	selects labels.Selector
}

// BudgetsOf returns disruption budgets. One whose selector is invalid selects nothing, as for kube-scheduler.
func BudgetsOf(all []*policyv1.PodDisruptionBudget) Budgets {
	var b Budgets
	for _, pdb := range all {
		selects, err := metav1.LabelSelectorAsSelector(pdb.Spec.Selector)
		if err != nil || selects.Empty() {
			continue
		}
		b.all = append(b.all, budget{pdb, selects})
	}
	return b
}

// Allowed returns how many disruptions each budget still allows.
func (b Budgets) Allowed() []int {
	allowed := make([]int, len(b.all))
	for i := range b.all {
		allowed[i] = int(b.all[i].Status.DisruptionsAllowed)
	}
	return allowed
}

// Of returns the budgets that a pod counts for: those that select it, unless it is known there as disrupted already.
func (b Budgets) Of(pod *corev1.Pod) []int {
	if len(pod.Labels) == 0 {
		return nil
	}
	var of []int
	for i := range b.all {
		if one := &b.all[i]; one.Namespace == pod.Namespace && one.selects.Matches(labels.Set(pod.Labels)) {
			if _, disrupted := one.Status.DisruptedPods[pod.Name]; !disrupted {
				of = append(of, i)
			}
		}
	}
	return of
}
