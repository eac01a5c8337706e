package workload

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
)

// The labels of the operators' pods, from the API packages of kubernetes-sigs/jobset, kubernetes-sigs/lws and kubeflow/trainer.
const (
	jobSetLabel        = "jobset.sigs.k8s.io/jobset-name"
	replicatedJobLabel = "jobset.sigs.k8s.io/replicatedjob-name"
	restartLabel       = "jobset.sigs.k8s.io/restart-attempt"
	lwsLabel           = "leaderworkerset.sigs.k8s.io/name"
	lwsGroupLabel      = "leaderworkerset.sigs.k8s.io/group-index"
	lwsKeyLabel        = "leaderworkerset.sigs.k8s.io/group-key"
	kubeflowJobLabel   = "training.kubeflow.org/job-name"
	kubeflowTypeLabel  = "training.kubeflow.org/replica-type"
)

// jobSet adds a set for each replicated job. The pods of its Jobs are one gang.
func (o *Object) jobSet() error {
	var set struct {
		Spec struct {
			ReplicatedJobs []struct {
				Name     string `json:"name"`
				Replicas *int32 `json:"replicas"`
				Template struct {
					Spec json.RawMessage `json:"spec"`
				} `json:"template"`
			} `json:"replicatedJobs"`
		} `json:"spec"`
	}
	if err := o.decodeLoosely(&set); err != nil {
		return err
	}
	for i, jobs := range set.Spec.ReplicatedJobs {
		path := item("spec.replicatedJobs", i)
		if len(jobs.Template.Spec) == 0 {
			return o.wrong(path+".template.spec", "is missing: write the specification of the Jobs")
		}
		var spec batchv1.JobSpec
		if err := o.decode(path+".template.spec", jobs.Template.Spec, &spec); err != nil {
			return err
		}
		replicas, err := o.replicas(path+".replicas", jobs.Replicas)
		if err != nil {
			return err
		}
		count, err := o.podsOfJob(path+".template.spec", &spec)
		if err != nil {
			return err
		}
		pod := o.podOfJob(&spec.Template, o.Name+"-"+jobs.Name+"-0", map[string]string{
			jobSetLabel: o.Name, replicatedJobLabel: jobs.Name, restartLabel: "0",
		})
		// A JobSet's Jobs are Indexed unless they say otherwise. With several, an index is that of several pods.
		indexed := (spec.CompletionMode == nil || isIndexed(&spec)) && replicas == 1
		o.add(pod, replicas*count, indexed)
	}
	return nil
}

// leaderWorkerSet adds the leader and the workers of each group. Each group is a gang.
func (o *Object) leaderWorkerSet() error {
	var set struct {
		Spec struct {
			Replicas             *int32 `json:"replicas"`
			LeaderWorkerTemplate struct {
				Size           *int32          `json:"size"`
				LeaderTemplate json.RawMessage `json:"leaderTemplate"`
				WorkerTemplate json.RawMessage `json:"workerTemplate"`
			} `json:"leaderWorkerTemplate"`
		} `json:"spec"`
	}
	if err := o.decodeLoosely(&set); err != nil {
		return err
	}
	const path = "spec.leaderWorkerTemplate"
	of := set.Spec.LeaderWorkerTemplate
	groups, err := o.replicas("spec.replicas", set.Spec.Replicas)
	if err != nil {
		return err
	}
	if groups > MaxObjects {
		return o.wrong("spec.replicas", "is %d: at most %d groups can be read", groups, MaxObjects)
	}
	size, err := o.replicas(path+".size", of.Size)
	if err != nil {
		return err
	}
	worker, err := o.template(path+".workerTemplate", of.WorkerTemplate)
	if err != nil {
		return err
	}
	leader := worker
	if len(of.LeaderTemplate) > 0 && string(of.LeaderTemplate) != "null" {
		if leader, err = o.template(path+".leaderTemplate", of.LeaderTemplate); err != nil {
			return err
		}
	}
	for group := range groups {
		name := o.Name + "-" + strconv.Itoa(group)
		labels := map[string]string{
			lwsLabel: o.Name, lwsGroupLabel: strconv.Itoa(group), lwsKeyLabel: string(uidOf("Group", name)),
		}
		o.add(o.made(leader, owner{"apps/v1", "StatefulSet", o.Name}, labels), min(1, size), false)
		o.add(o.made(worker, owner{"apps/v1", "StatefulSet", name}, labels), size-1, false)
	}
	return nil
}

// kubeflowJob adds a set for each type of replica. They are one gang.
func (o *Object) kubeflowJob() error {
	var job struct {
		Spec map[string]json.RawMessage `json:"spec"`
	}
	if err := o.decodeLoosely(&job); err != nil {
		return err
	}
	for _, field := range slices.Sorted(maps.Keys(job.Spec)) {
		if !strings.HasSuffix(field, "ReplicaSpecs") {
			continue
		}
		var types map[string]struct {
			Replicas *int32          `json:"replicas"`
			Template json.RawMessage `json:"template"`
		}
		if err := json.Unmarshal(job.Spec[field], &types); err != nil {
			return o.undecodable("spec."+field, err)
		}
		for _, name := range slices.Sorted(maps.Keys(types)) {
			path := "spec." + field + "." + name
			count, err := o.replicas(path+".replicas", types[name].Replicas)
			if err != nil {
				return err
			}
			template, err := o.template(path+".template", types[name].Template)
			if err != nil {
				return err
			}
			o.add(o.made(template, owner{o.APIVersion, o.Kind, o.Name}, map[string]string{
				kubeflowJobLabel: o.Name, kubeflowTypeLabel: strings.ToLower(name),
			}), count, false)
		}
	}
	return nil
}
