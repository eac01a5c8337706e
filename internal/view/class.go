package view

import (
	"cmp"
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

// class is a set of members that no filter tells apart, in the order in which they are placed.
type class struct {
	pods []*corev1.Pod
	// must is how many of the pods the gang cannot do without; they come first.
	must int
	// key tells the class apart from the others.
	key string
	// info is that of the first member; it stands for all.
	info fwk.PodInfo
	requests.Request
	// base is the state that the PreFilter plugins left; state is base with the members that are placed.
	base, state fwk.CycleState
	// levels are in state; floors are what they were before the last member was placed.
	levels []levels
	floors [][2]int
	// nodes are those that PreFilter left, offered those that the extenders left; nil means all.
	nodes, offered sets.Set[string]
	// excluded are nodes that refused a member when it was reserved.
	excluded sets.Set[string]
	// rejected is why PreFilter refused the class, or nil.
	rejected *fwk.Status
	// local: whether a member fits on a node depends on that node alone.
	local bool
	// pairwise: it also depends on which pods are on other nodes, or on the same.
	pairwise bool
	// stateful: devices or volumes are allocated to a member, so what fits depends on what was allocated to others. state is then that
	// of the next member, and right while the view is of the version that it was made for.
	stateful bool
	version  int
	// pending are the nodes of devices that the next member shares with members that are placed.
	pending []*nodeaffinity.NodeSelector
	// placed counts the members that are placed.
	placed int
	// among are the Score plugins that look at other members of the gang for the class.
	among []string
	// overlooks says that InterPodAffinity was skipped for the class, so it does not see members that repel it.
	overlooks bool
	// repelled counts the placed members that repel the class from a topology domain.
	repelled map[domain]int
	// held are the topology domains from which slots repel the class; kept is why slots keep it off all nodes, or nil.
	held sets.Set[domain]
	kept *fwk.Status
}

type domain struct{ key, value string }

// begin makes a state without members of the gang.
func (c *class) begin() {
	if !c.pairwise {
		c.state = c.base
		return
	}
	c.state = c.base.Clone()
	c.levels = levelsOf(c.state)
}

// classify divides pods into classes. The first required pods are those that the gang cannot do without. The order of the classes
// does not depend on that of the pods: where classes look equal to the planner, it decides which comes first.
func classify(pods []*corev1.Pod, required int, nodes fwk.NodeInfoLister, promised map[string][]fwk.PodInfo) ([]*class, error) {
	keys, err := labelsThatMatter(pods, nodes, promised)
	if err != nil {
		return nil, err
	}
	var classes []*class
	known := map[string]*class{}
	for i, pod := range pods {
		key, err := schedulingKey(pod, keys)
		if err != nil {
			return nil, err
		}
		c := known[key]
		if c == nil {
			info, err := framework.NewPodInfo(pod)
			if err != nil {
				return nil, err
			}
			c = &class{info: info, Request: requests.Of(info), key: key}
			known[key] = c
			classes = append(classes, c)
		}
		c.pods = append(c.pods, pod)
		if i < required {
			c.must++
		}
	}
	slices.SortFunc(classes, func(a, b *class) int { return cmp.Compare(a.key, b.key) })
	return classes, nil
}

// schedulingKey is the same for two pods of a gang only if every filter treats them alike: it is the pod's specification
// without what is known not to matter to any.
func schedulingKey(pod *corev1.Pod, labelKeys []string) (string, error) {
	spec := pod.Spec
	spec.Hostname, spec.Subdomain, spec.HostAliases = "", "", nil
	spec.Containers = bare(spec.Containers)
	spec.InitContainers = bare(spec.InitContainers)
	spec.EphemeralContainers = nil
	spec.Volumes = nil
	own := len(spec.ResourceClaims) > 0 // a claim made from a template is the pod's own
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

// bare keeps of containers what filters look at, and all that is not known to be of no interest to them.
func bare(containers []corev1.Container) []corev1.Container {
	bare := slices.Clone(containers)
	for i := range bare {
		c := &bare[i]
		c.Name, c.Image, c.Command, c.Args, c.WorkingDir, c.Env, c.EnvFrom = "", "", nil, nil, "", nil, nil
		c.VolumeMounts, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = nil, nil, nil, nil
	}
	return bare
}

// matters says whether filters look at volumes of this kind.
func matters(v *corev1.Volume) bool {
	s := &v.VolumeSource
	inert := s.EmptyDir != nil || s.ConfigMap != nil || s.Secret != nil || s.Projected != nil || s.DownwardAPI != nil ||
		s.HostPath != nil || s.Image != nil
	return !inert
}

// labelsThatMatter returns the keys of the pods' labels that any selector in play looks at: of the pods themselves, or of
// the pods in the cluster, or promised a node, that repel others. Without this, pods that carry an index as a label would each be a class.
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
