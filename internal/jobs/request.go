// Package jobs makes a Job whose pods are a gang from a short request: what runs, in how many pods, and what each needs. The command submit
// and the REST API share it.
package jobs

import (
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// Request asks for a Job whose pods start together.
type Request struct {
	Name string `json:"name" maxLength:"63" example:"training" doc:"The name of the Job and of its gang: lower-case letters, digits and -."`
	// Namespace is not part of the JSON: who asks says it elsewhere.
	Namespace    string            `json:"-"`
	Image        string            `json:"image" maxLength:"1024" example:"busybox:1.37" doc:"The image of the container."`
	Command      []string          `json:"command,omitempty" maxItems:"1000" doc:"The command, in place of the image's entrypoint."`
	Args         []string          `json:"args,omitempty" maxItems:"1000" doc:"The arguments of the command."`
	Env          map[string]string `json:"env,omitempty" maxProperties:"1000" doc:"Environment variables of the container."`
	Replicas     int               `json:"replicas,omitempty" minimum:"1" maximum:"100000" default:"1" doc:"The number of pods."`
	MinAvailable int               `json:"minAvailable,omitempty" minimum:"1" doc:"How many pods have to start together. Without it: all."`
	CPU          string            `json:"cpu,omitempty" example:"2" doc:"CPU that each pod requests, as a quantity of Kubernetes."`
	Memory       string            `json:"memory,omitempty" example:"4Gi" doc:"Memory that each pod requests, as a quantity of Kubernetes."`
	GPU          int               `json:"gpu,omitempty" minimum:"0" example:"0" doc:"GPUs of each pod: the resource nvidia.com/gpu."`
	Resources    map[string]string `json:"resources,omitempty" maxProperties:"32" doc:"Other resources that each pod requests, by name."`
	Queue        string            `json:"queue,omitempty" doc:"The queue. Without it, the one that names the namespace, or else default."`

	PriorityClass   string   `json:"priorityClass,omitempty" doc:"The PriorityClass of the pods."`
	Topology        Topology `json:"topology,omitzero" doc:"Where the pods have to be in the topology of the nodes."`
	ExpectedRuntime string   `json:"expectedRuntime,omitempty" example:"2h" doc:"How long the pods are expected to run."`
	ActiveDeadline  string   `json:"activeDeadline,omitempty" example:"4h" doc:"How long each pod may run before it is ended."`
	BackoffLimit    *int32   `json:"backoffLimit,omitempty" minimum:"0" doc:"How many pods may fail. Preempted ones do not count."`
	SchedulerName   string   `json:"schedulerName,omitempty" default:"kubenexus-scheduler" doc:"The scheduler of the pods."`
	Torchrun        bool     `json:"torchrun,omitempty" doc:"Set up torchrun: its variables, and a headless Service."`
}

// Topology says where the pods have to be. Keys are those of node labels.
type Topology struct {
	Required      string   `json:"required,omitempty" example:"example.com/rack" doc:"The key of which one domain holds all pods."`
	Preferred     []string `json:"preferred,omitempty" maxItems:"8" doc:"Keys, the narrowest first; one domain if it holds all pods."`
	Spread        string   `json:"spread,omitempty" doc:"The key over whose domains the pods are spread evenly."`
	SliceRequired string   `json:"sliceRequired,omitempty" doc:"The key of which one domain holds each slice of the pods."`
	SliceSize     int      `json:"sliceSize,omitempty" minimum:"1" doc:"The number of pods of a slice."`
}

// Invalid says which fields of a request are wrong. Locations are the names of the fields in JSON.
type Invalid []answers.FieldError

// Error returns what is wrong with each field.
func (i Invalid) Error() string {
	texts := make([]string, len(i))
	for n, wrong := range i {
		texts[n] = wrong.Location + ": " + wrong.Message
	}
	return strings.Join(texts, "; ")
}
