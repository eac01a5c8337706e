package jobs

import (
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// GangOf returns the name of the gang that the pods of the Job are; empty if they are none, or if what they say is
// invalid.
func GangOf(job *batchv1.Job) string {
	template := &job.Spec.Template
	pod := conventions.Pod{
		Labels: template.Labels, Annotations: template.Annotations,
		Owner: conventions.Controller{Kind: "Job", Name: job.Name, UID: string(job.UID)},
	}
	spec, err := conventions.Parse(pod)
	if err != nil || spec == nil || conventions.Identify(spec, pod) != nil {
		return ""
	}
	return spec.Name
}

// OfGang returns the Jobs whose pods are a gang of this name. Each Job is a gang of its own, so that there can be several.
func OfGang(all []batchv1.Job, name string) []*batchv1.Job {
	var found []*batchv1.Job
	for i := range all {
		if job := &all[i]; GangOf(job) == name {
			found = append(found, job)
		}
	}
	return found
}
