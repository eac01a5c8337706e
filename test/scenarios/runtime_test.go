package scenarios

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	roleAnnotation    = "kubenexus.io/role"
	runtimeAnnotation = "kubenexus.io/expected-runtime"
)

// pair creates a gang of two pods with so many CPUs each, of which the first has further annotations, given as keys and values.
func (s *scenario) pair(name, cpu string, first ...string) {
	s.t.Helper()
	for i := range 2 {
		member := podSpec{
			namespace: s.namespace, name: fmt.Sprintf("%s-%d", name, i), cpu: cpu, scheduler: ours, annotations: gangAnnotations(name, 2),
		}
		for at := 0; i == 0 && at < len(first); at += 2 {
			member.annotations[first[at]] = first[at+1]
		}
		if err := create(s, member.pod()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestHowLongAGangRunsIsStatedOnOneMember: of a gang that runs, one member states for how long, and another gang says when it starts
// because of that. What is set aside for that gang is used by those that end in time: a gang of which one member states it, and one that
// states it in its roles. Others wait, such as a creator: slots would be held for pods that do not exist yet. A scheduler that restarts
// knows the same.
func TestHowLongAGangRunsIsStatedOnOneMember(t *testing.T) {
	skipIfShort(t)
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2"}
	scheduler := startScheduler(t, args...)
	s := newScenario(t, "stated-on-one")
	for _, node := range []string{"n1", "n2"} {
		s.node(node, controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	}
	s.awaitNodes(ours)
	s.configureQueues("- {name: team, maxWait: 1s, namespaces: [" + s.namespace + "]}")
	s.pair("runs", "2", runtimeAnnotation, "10m")
	s.boundIs(t, "runs", 2)
	s.pair("whole", "4")
	says := regexp.MustCompile(`set aside for it: 1 of 2; starts in about \d+m, when gang ` + s.namespace + `/runs ends`)
	process.Within(t, patience, "the gang to say when it starts", func() (bool, string) {
		message, waits := s.scheduledCondition("whole-0")
		return waits && says.MatchString(message), message
	})

	scheduler.Kill()
	scheduler = startScheduler(t, args...)
	process.Within(t, patience, "capacity to be set aside again", func() (bool, string) {
		return scheduler.Log.Contains(fmt.Sprintf(`"Setting capacity aside" gang="%s/whole"`, s.namespace)), ""
	})
	s.pair("silent", "100m")
	s.pair("too-long", "100m", runtimeAnnotation, "1h")
	creator := podSpec{namespace: s.namespace, name: "driver-0", cpu: "500m", scheduler: ours, annotations: map[string]string{
		nameAnnotation: "driver", roleAnnotation: "driver", rolesAnnotation: `[{"name":"driver","min":1,"creates":true},` +
			`{"name":"executor","min":1,"requests":{"cpu":"500m"},"expectedRuntime":"1m"}]`,
	}}
	if err := create(s, creator.pod()); err != nil {
		t.Fatal(err)
	}
	s.pair("member", "1", runtimeAnnotation, "1m")
	s.pair("role", "1", roleAnnotation, "rank", rolesAnnotation, `[{"name":"rank","min":1,"expectedRuntime":"1m"}]`)
	s.boundIs(t, "member", 2)
	s.boundIs(t, "role", 2)
	for _, group := range []string{"silent", "too-long", "driver", "whole"} { // they came first
		s.boundIs(t, group, 0)
	}
	for _, group := range []string{"member", "role", "runs"} {
		s.remove(group)
	}
	s.boundIs(t, "whole", 2)
}
