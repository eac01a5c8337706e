package view

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// class is a set of members that no filter distinguishes, in the order in which they are placed.
type class struct {
	equals
	filtered
	traits
	// placed is the number of placed members.
	placed int
	// repelled counts, for each topology domain, the placed members that repel the class from it.
	repelled map[domain]int
	// excluded are nodes on which a Reserve plugin failed for a member.
	excluded sets.Set[string]
	// held are the topology domains from which slots repel the class; kept is the reason why slots exclude all nodes, or nil.
	held sets.Set[domain]
	kept *fwk.Status
}

// equals are the members of a class.
type equals struct {
	pods []*corev1.Pod
	// must is how many of the pods are required for the gang to start. They come first.
	must int
	// role is that of the pods, empty if roles do not matter.
	role string
	// key identifies the class.
	key string
	// info is the first member's; it represents all of them.
	info fwk.PodInfo
	requests.Request
}

// filtered is what the PreFilter plugins and the extenders returned for a class.
type filtered struct {
	// base is the state after the PreFilter plugins; state is base plus the placed members.
	base, state fwk.CycleState
	// levels point into state; floors are their values before the last member was placed.
	levels []levels
	floors [][2]int
	// nodes are those that PreFilter returned, offered those that the extenders returned; nil means all.
	nodes, offered sets.Set[string]
	// rejected is the status with which PreFilter rejected the class, or nil.
	rejected *fwk.Status
	// version is the view's for which the state of a stateful class is valid.
	version int
	// pending are the node selectors of devices that the next member shares with placed members.
	pending []*nodeaffinity.NodeSelector
}

// traits are what decides whether a member of a class fits on a node.
type traits struct {
	// local says that only the node decides.
	local bool
	// pairwise says that pods on this or other nodes decide too.
	pairwise bool
	// stateful says that devices or volumes are allocated to members, so earlier allocations decide too. The state then belongs to the
	// next member.
	stateful bool
	// overlooks says that InterPodAffinity skipped the class, so the plugin does not see members that repel it.
	overlooks bool
	// among are the Score plugins that take other members of the gang into account.
	among []string
}

type domain struct{ key, value string }

// begin resets the class to a state without placed members.
func (c *class) begin() {
	if !c.pairwise {
		c.state = c.base
		return
	}
	c.state = c.base.Clone()
	c.levels = levelsOf(c.state)
}

// classify groups the pods of a team into classes. The order of the classes does not
// depend on the order of the pods, because the planner breaks ties between classes by their order.
func classify(ctx context.Context, t team, nodes fwk.NodeInfoLister, promised map[string][]fwk.PodInfo) ([]*class, error) {
	keys, err := labelsThatMatter(t.pods, nodes, promised)
	if err != nil {
		return nil, err
	}
	var classes []*class
	known := map[string]*class{}
	for i, pod := range t.pods {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		key, err := schedulingKey(pod, keys)
		if err != nil {
			return nil, err
		}
		role := t.roles[pod]
		if role != "" {
			key += "\x00" + role
		}
		c := known[key]
		if c == nil {
			info, err := framework.NewPodInfo(pod)
			if err != nil {
				return nil, err
			}
			c = &class{equals: equals{info: info, Request: requests.Of(info), role: role, key: key}}
			known[key] = c
			classes = append(classes, c)
		}
		c.pods = append(c.pods, pod)
		if i < t.required {
			c.must++
		}
	}
	slices.SortFunc(classes, func(a, b *class) int { return cmp.Compare(a.key, b.key) })
	return classes, nil
}

// schedulingKey returns the same key for two pods of a gang only if every filter treats them alike: the pod's spec without the fields that
// no filter reads.
func schedulingKey(pod *corev1.Pod, labelKeys []string) (string, error) {
	spec := pod.Spec
	spec.Hostname, spec.Subdomain, spec.HostAliases = "", "", nil
	spec.Containers = bare(spec.Containers)
	spec.InitContainers = bare(spec.InitContainers)
	spec.EphemeralContainers = nil
	spec.Volumes = nil
	own := len(spec.ResourceClaims) > 0 // a claim made from a template belongs to this pod only
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if matters(v) {
			spec.Volumes = append(spec.Volumes, *v)
		}
		own = own || v.Ephemeral != nil
	}
	encoded, err := spec.Marshal()
	if err != nil {
		return "", err
	}
	var key strings.Builder
	key.Write(encoded)
	for _, k := range labelKeys {
		value, ok := pod.Labels[k]
		if ok {
			key.WriteString("\x00" + k + "=" + value)
		}
	}
	if own {
		key.WriteString("\x00" + string(pod.UID))
	}
	return key.String(), nil
}

// bare returns the containers without the fields that no filter reads. Fields that it does not know stay.
func bare(containers []corev1.Container) []corev1.Container {
	bare := slices.Clone(containers)
	for i := range bare {
		c := &bare[i]
		c.Name, c.Image, c.Command, c.Args, c.WorkingDir, c.Env, c.EnvFrom = "", "", nil, nil, "", nil, nil
		c.VolumeMounts, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = nil, nil, nil, nil
	}
	return bare
}

// matters reports whether filters read volumes of this kind.
func matters(v *corev1.Volume) bool {
	s := &v.VolumeSource
	inert := s.EmptyDir != nil || s.ConfigMap != nil || s.Secret != nil || s.Projected != nil || s.DownwardAPI != nil ||
		s.HostPath != nil || s.Image != nil
	return !inert
}

// labelsThatMatter returns the label keys of the pods that some selector reads: selectors of the pods themselves, and anti-affinity of
// running or nominated pods. Without this, each pod of a gang that has its index as a label would be a class of its own.
func labelsThatMatter(pods []*corev1.Pod, nodes fwk.NodeInfoLister, promised map[string][]fwk.PodInfo) ([]string, error) {
	keys := map[string]struct{}{}
	for _, pod := range pods {
		ownSelectors(pod, keys)
	}
	repelling, err := nodes.HavePodsWithRequiredAntiAffinityList()
	if err != nil {
		return nil, err
	}
	for _, node := range repelling {
		for _, info := range node.GetPodsWithRequiredAntiAffinity() {
			repelledKeys(info, keys)
		}
	}
	for _, infos := range promised {
		for _, info := range infos {
			repelledKeys(info, keys)
		}
	}
	return slices.Sorted(maps.Keys(keys)), nil
}

func repelledKeys(info fwk.PodInfo, keys map[string]struct{}) {
	for _, term := range info.GetRequiredAntiAffinityTerms() {
		requirements, _ := term.Selector.Requirements()
		for _, r := range requirements {
			keys[r.Key()] = struct{}{}
		}
	}
}

func ownSelectors(pod *corev1.Pod, keys map[string]struct{}) {
	if a := pod.Spec.Affinity; a != nil {
		var terms []corev1.PodAffinityTerm
		if a.PodAffinity != nil {
			terms = append(terms, a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution...)
		}
		if a.PodAntiAffinity != nil {
			terms = append(terms, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution...)
		}
		for _, t := range terms {
			selectorKeys(t.LabelSelector, keys)
		}
	}
	for _, c := range pod.Spec.TopologySpreadConstraints {
		selectorKeys(c.LabelSelector, keys)
		for _, k := range c.MatchLabelKeys {
			keys[k] = struct{}{}
		}
	}
}

func selectorKeys(s *metav1.LabelSelector, keys map[string]struct{}) {
	if s == nil {
		return
	}
	for k := range s.MatchLabels {
		keys[k] = struct{}{}
	}
	for _, e := range s.MatchExpressions {
		keys[e.Key] = struct{}{}
	}
}
