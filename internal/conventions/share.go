package conventions

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The annotations about the share of the cluster that a gang uses, or a pod without a gang. Members that set one must agree.
const (
	// QueueAnnotation names the queue. A label with this key counts, too.
	QueueAnnotation = "kubenexus.io/queue"
	// PreemptibleAnnotation sets whether others may take what the gang uses. The value is that of gang.Preemptible.
	PreemptibleAnnotation = "kubenexus.io/preemptible"
	// ExpectedRuntimeAnnotation sets how long the gang is expected to run. The value is a Go duration of at most MaxRuntime.
	ExpectedRuntimeAnnotation = "kubenexus.io/expected-runtime"
)

// MaxRuntime is the longest runtime that a pod may expect.
const MaxRuntime = 30 * 24 * time.Hour

// ShareAnnotations are the annotations that count on a pod without a gang too.
func ShareAnnotations() []string {
	topology := topologyAnnotations()
	return append([]string{QueueAnnotation, PreemptibleAnnotation, ExpectedRuntimeAnnotation}, topology[:]...)
}

// ShareOf reads what a pod without a gang says about its share of the cluster, and about where it has to be: it is like a gang of one.
// Parse reads the same of members. The error is a *Problem.
func ShareOf(pod Pod) (gang.Share, error) {
	share, err := readShare(pod)
	return share, pod.locate(err)
}

// readShare reads the annotations about the share.
func readShare(pod Pod) (share gang.Share, err error) {
	err = cmp.Or(
		pod.contradiction(QueueAnnotation),
		chooseQueue(pod, &share.Queue),
		choose(pod, PreemptibleAnnotation, &share.Preemptible, gang.MayBePreempted, gang.NeverPreempted),
		chooseTime(pod, ExpectedRuntimeAnnotation, MaxRuntime, &share.ExpectedRuntime),
		readTopology(pod, &share.Topology),
	)
	if err != nil {
		return gang.Share{}, err
	}
	return share, nil
}

// addShare adds what the annotations say to what the roles in the same pod say of the whole gang. Both must agree.
func addShare(pod Pod, said *gang.Share) error {
	share, err := readShare(pod)
	if err != nil {
		return err
	}
	said.Topology = share.Topology // what roles say of it is about their own members
	return cmp.Or(
		addValue(pod, QueueAnnotation, share.Queue, &said.Queue),
		addValue(pod, PreemptibleAnnotation, share.Preemptible, &said.Preemptible),
		addValue(pod, ExpectedRuntimeAnnotation, share.ExpectedRuntime, &said.ExpectedRuntime),
	)
}

func addValue[T comparable](pod Pod, annotation string, value T, said *T) error {
	var nothing T
	if value != nothing && *said != nothing && value != *said {
		text, _, _ := pod.says(annotation)
		return conflict(annotation, text, fmt.Sprint(*said), fmt.Sprintf(
			"%s says %q; make both say the same, or remove one of them", RolesAnnotation, fmt.Sprint(*said)))
	}
	*said = cmp.Or(value, *said)
	return nil
}

func chooseQueue(pod Pod, to *string) error {
	name, _, named := pod.says(QueueAnnotation)
	if !named {
		return nil
	}
	if remedy := checkQueueName(name); remedy != "" {
		return problem(QueueAnnotation, name, remedy)
	}
	*to = name
	return nil
}

func checkQueueName(name string) string {
	if !isLabel(name) {
		return `a queue has a name of at most 63 lower-case letters, digits and '-', such as "research"`
	}
	return ""
}

// boolean is true or false, also in quotes, as in the annotation of the same meaning.
type boolean string

// UnmarshalJSON implements json.Unmarshaler.
func (b *boolean) UnmarshalJSON(text []byte) error {
	switch *b = boolean(strings.Trim(string(text), `"`)); gang.Preemptible(*b) {
	case gang.MayBePreempted, gang.NeverPreempted:
		return nil
	default:
		return fmt.Errorf("%.64s is neither true nor false", text)
	}
}

// number is a whole number, also in quotes, as in the annotation of the same meaning. What it is is checked later.
type number string

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	*n = number(strings.Trim(string(text), `"`))
	return nil
}

// shareOfRoles returns what the roles say about the share of their gang. They must agree. A remedy that is not empty describes the
// error.
func shareOfRoles(roles []declared) (share gang.Share, remedy string) {
	for i := range roles {
		own, remedy := roles[i].share()
		if remedy != "" {
			return gang.Share{}, fmt.Sprintf("role %q: %s", roles[i].Name, remedy)
		}
		remedy = cmp.Or(
			addRolesValue("queue", own.Queue, &share.Queue),
			addRolesValue("preemptible", own.Preemptible, &share.Preemptible),
			addRolesValue("expectedRuntime", own.ExpectedRuntime, &share.ExpectedRuntime),
		)
		if remedy != "" {
			return gang.Share{}, remedy
		}
	}
	return share, ""
}

// share reads the fields of one role.
func (r *declared) share() (share gang.Share, remedy string) {
	if r.queue != nil {
		if remedy := checkQueueName(*r.queue); remedy != "" {
			return share, fmt.Sprintf("queue %.64q: %s", *r.queue, remedy)
		}
		share.Queue = *r.queue
	}
	if r.preemptible != nil {
		share.Preemptible = gang.Preemptible(*r.preemptible)
	}
	if r.expectedRuntime != nil {
		if share.ExpectedRuntime, remedy = parseTime(*r.expectedRuntime, MaxRuntime); remedy != "" {
			return share, fmt.Sprintf("expectedRuntime %.64q: %s", *r.expectedRuntime, remedy)
		}
	}
	return share, ""
}

func addRolesValue[T comparable](field string, value T, said *T) string {
	var nothing T
	if value != nothing && *said != nothing && value != *said {
		return fmt.Sprintf("its roles say %s %q and %q of one gang; keep one of them", field, fmt.Sprint(*said), fmt.Sprint(value))
	}
	*said = cmp.Or(value, *said)
	return ""
}
