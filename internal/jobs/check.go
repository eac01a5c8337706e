package jobs

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// The bounds of a request.
const (
	maxReplicas  = 100_000
	maxText      = 1024
	maxItems     = 1000
	maxResources = 32
	maxGPU       = 1024
)

// checker collects what is wrong with a request.
type checker struct {
	request *Request
	wrong   Invalid
}

func (c *checker) say(location, format string, args ...any) {
	c.wrong = append(c.wrong, answers.FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) check() {
	r := c.request
	c.name()
	switch {
	case r.Image == "":
		c.say("image", "is missing: name the image of the container, such as busybox:1.37")
	case len(r.Image) > maxText:
		c.say("image", "has %d characters: at most %d are possible", len(r.Image), maxText)
	case strings.TrimSpace(r.Image) != r.Image:
		c.say("image", "has spaces around it: remove them")
	}
	c.atMost("command", len(r.Command), maxItems)
	c.atMost("args", len(r.Args), maxItems)
	c.atMost("env", len(r.Env), maxItems)
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		if problems := validation.IsRelaxedEnvVarName(name); len(problems) > 0 {
			c.say("env."+shown(name), "%s", problems[0])
		}
	}
	if r.Replicas < 0 || r.Replicas > maxReplicas {
		c.say("replicas", "is %d: it can be from 1 to %d", r.Replicas, maxReplicas)
	} else if r.MinAvailable < 0 || r.MinAvailable > int(r.replicas()) {
		c.say("minAvailable", "is %d: it can be from 1 to %d, the number of pods", r.MinAvailable, r.replicas())
	}
	if r.BackoffLimit != nil && *r.BackoffLimit < 0 {
		c.say("backoffLimit", "is %d: it can be from 0", *r.BackoffLimit)
	}
	c.subdomain("priorityClass", r.PriorityClass)
	c.subdomain("schedulerName", r.SchedulerName)
}

// name checks that the names of the pods, which end with their number, are names of hosts.
func (c *checker) name() {
	r := c.request
	if r.Name == "" {
		c.say("name", "is missing: name the Job, such as training")
		return
	}
	problems := validation.IsDNS1123Label(r.Name)
	if r.Torchrun && len(problems) == 0 {
		problems = validation.IsDNS1035Label(r.Name) // the Service has the name
	}
	if len(problems) > 0 {
		c.say("name", "%s", problems[0])
		return
	}
	last := fmt.Sprintf("%s-%d", r.Name, r.replicas()-1)
	if len(last) > validation.DNS1123LabelMaxLength {
		c.say("name", "has %d characters, and the pods' names add %d to it: at most %d are possible together",
			len(r.Name), len(last)-len(r.Name), validation.DNS1123LabelMaxLength)
	}
}

func (c *checker) atMost(location string, n, most int) {
	if n > most {
		c.say(location, "has %d entries: at most %d are possible", n, most)
	}
}

func (c *checker) subdomain(location, name string) {
	if name == "" {
		return
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		c.say(location, "%s", problems[0])
	}
}

// seconds returns a time as Kubernetes has deadlines; nil without one.
func (c *checker) seconds(location, text string) *int64 {
	if text == "" {
		return nil
	}
	length, err := time.ParseDuration(text)
	seconds := int64(math.Ceil(length.Seconds()))
	if err != nil || seconds < 1 || seconds > math.MaxInt32 {
		c.say(location, "is %q: write a duration from 1s, such as 4h", shown(text))
		return nil
	}
	return &seconds
}

// resources returns what a container requests. CPU and memory may be exceeded; what device plugins count may not, and is a limit
// too.
func (c *checker) resources() corev1.ResourceRequirements {
	r := c.request
	c.atMost("resources", len(r.Resources), maxResources)
	asked := corev1.ResourceRequirements{Requests: corev1.ResourceList{}}
	c.add(&asked, "cpu", corev1.ResourceCPU, r.CPU)
	c.add(&asked, "memory", corev1.ResourceMemory, r.Memory)
	if r.GPU < 0 || r.GPU > maxGPU {
		c.say("gpu", "is %d: it can be from 0 to %d", r.GPU, maxGPU)
	} else if r.GPU > 0 {
		c.add(&asked, "gpu", gpuResource, fmt.Sprint(r.GPU))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		location := "resources." + shown(name)
		if problems := validation.IsQualifiedName(name); len(problems) > 0 {
			c.say(location, "%s", problems[0])
		} else {
			c.add(&asked, location, corev1.ResourceName(name), r.Resources[name])
		}
	}
	return asked
}

// add adds one resource.
func (c *checker) add(to *corev1.ResourceRequirements, location string, name corev1.ResourceName, text string) {
	if text == "" {
		return
	}
	quantity, err := resource.ParseQuantity(text)
	switch _, twice := to.Requests[name]; {
	case err != nil || quantity.Sign() < 0:
		c.say(location, "is %q: write a quantity, such as 2, 500m or 4Gi", shown(text))
		return
	case twice:
		c.say(location, "the request has %s in another field too: remove one of them", name)
		return
	}
	to.Requests[name] = quantity
	if name != corev1.ResourceCPU && name != corev1.ResourceMemory && name != corev1.ResourceEphemeralStorage {
		if to.Limits == nil {
			to.Limits = corev1.ResourceList{}
		}
		to.Limits[name] = quantity
	}
}

// locations are the fields that become annotations.
//
//nolint:gochecknoglobals // a constant table
var locations = map[string]string{
	conventions.QueueAnnotation:                 "queue",
	conventions.ExpectedRuntimeAnnotation:       "expectedRuntime",
	conventions.TopologyRequiredAnnotation:      "topology.required",
	conventions.TopologyPreferredAnnotation:     "topology.preferred",
	conventions.TopologySpreadAnnotation:        "topology.spread",
	conventions.TopologySliceRequiredAnnotation: "topology.sliceRequired",
	conventions.TopologySliceSizeAnnotation:     "topology.sliceSize",
}

// checkAnnotations asks the scheduler's own parser whether it can follow what the pods will say.
func (c *checker) checkAnnotations(said map[string]string) {
	_, err := conventions.Parse(conventions.Pod{Annotations: said})
	wrong, ok := errors.AsType[*conventions.Problem](err)
	if !ok {
		return
	}
	if location, known := locations[wrong.Annotation]; known {
		c.say(location, "%s", wrong.Error())
	} else if len(c.wrong) == 0 { // the name and the numbers were checked before, with their own fields
		c.say("name", "%s", wrong.Error())
	}
}

// shown shortens what a user wrote.
func shown(text string) string {
	const most = 64
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
