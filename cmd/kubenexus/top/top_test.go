package top

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

//nolint:gochecknoglobals // constants
var (
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	serving = []string{"kubenexus-scheduler"}
)

func node(name, gpus string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("16Gi"), "nvidia.com/gpu": resource.MustParse(gpus),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
	}}}
}

// gangOf returns the pods of a gang that needs all of them, of one cpu each, created so long ago. With a node, they run there.
func gangOf(name string, count int, queueName, on string, age time.Duration) []*corev1.Pod {
	var all []*corev1.Pod
	for i := range count {
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "team", Name: fmt.Sprintf("%s-%d", name, i), UID: types.UID(fmt.Sprintf("%s-%d", name, i)),
				CreationTimestamp: metav1.NewTime(now.Add(-age)),
				Annotations: map[string]string{
					"pod-group.scheduling.sigs.k8s.io/name": name, "pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(count),
					"kubenexus.io/queue": queueName,
				},
			},
			Spec: corev1.PodSpec{SchedulerName: serving[0], NodeName: on, Containers: []corev1.Container{{
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}},
			}}},
		}
		if on == "" {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: name + " does not fit"}}
		}
		all = append(all, p)
	}
	return all
}

// busy is a cluster in which three gangs run and three wait in two queues.
func busy() gangread.Cluster {
	c := gangread.Cluster{
		Nodes:      []*corev1.Node{node("n1", "8"), node("n2", "0")},
		Queues:     queue.Config{Queues: []queue.Queue{queue.NewQueue("research"), queue.NewQueue("batch")}},
		Schedulers: serving,
	}
	for _, pods := range [][]*corev1.Pod{
		gangOf("small", 2, "research", "n1", time.Hour), gangOf("large", 6, "research", "n1", 2*time.Hour), gangOf("odd", 1, "batch", "n2", time.Hour),
		gangOf("second", 9, "research", "", 10*time.Minute), gangOf("first", 9, "research", "", 20*time.Minute),
		gangOf("other", 12, "batch", "", time.Minute),
	} {
		c.Pods = append(c.Pods, pods...)
	}
	c.Pods[3].Annotations = c.Pods[2].Annotations
	return c
}

func TestFrame(t *testing.T) {
	f := frameOf(busy(), []string{"A note"}, now)
	want := `KubeNexus  03:04:05  2 nodes, 39 pods
A note

cpu             ███████████░░░░░░░░░   56%  9 of 16
memory          ░░░░░░░░░░░░░░░░░░░░    0%  0 of 32Gi
nvidia.com/gpu  ░░░░░░░░░░░░░░░░░░░░    0%  0 of 8

QUEUES
QUEUE     SHARE                      WAITING  HEAD  USES
research  ██████████│░░░░░░░░░  50%  2        20m   cpu=8
batch     █░░░░░░░░░│░░░░░░░░░   6%  1        60s   cpu=1
default   ░░░░░░░░░░░░░░░░░░░░   0%  0        -     -

WAITING (3), in the order of each queue
GANG         QUEUE     PODS      PHASE  AGE  WHY
team/other   batch     12 of 12  Ready  60s  other does not fit
team/first   research  9 of 9    Ready  20m  first does not fit
team/second  research  9 of 9    Ready  10m  second does not fit

RUNNING (3), the largest first
GANG        QUEUE     PODS  NODES  AGE
team/large  research  6     1      120m
team/small  research  2     1      60m
team/odd    batch     1     1      60m
`
	if diff := cmp.Diff(want, strings.Join(f.lines(0, 0), "\n")+"\n"); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFrameFitsTheScreen(t *testing.T) {
	c := busy()
	for i := range 100 {
		c.Pods = append(c.Pods, gangOf(fmt.Sprint("more-", i), 1, "batch", "", time.Second)...)
	}
	f := frameOf(c, nil, now)
	for _, size := range [][2]int{{80, 24}, {40, 60}, {20, 5}, {1, 1}} {
		lines := f.lines(size[0], size[1])
		if len(lines) > size[1] {
			t.Errorf("%d lines on a screen with %d", len(lines), size[1])
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > size[0] {
				t.Errorf("a line of %d characters on a screen with %d: %s", n, size[0], line)
			}
		}
	}
	if text := strings.Join(f.lines(80, 40), "\n"); !strings.Contains(text, "more\n\nRUNNING") {
		t.Errorf("it does not say how many gangs are left out:\n%s", text)
	}
}

func clientOf(c gangread.Cluster) *fake.Clientset {
	client := fake.NewClientset()
	for _, n := range c.Nodes {
		client.Tracker().Add(n) //nolint:errcheck // it is not there yet
	}
	for _, p := range c.Pods {
		client.Tracker().Add(p) //nolint:errcheck // it is not there yet
	}
	return client
}

func TestOnceWritesOneFrame(t *testing.T) {
	w := watch{client: clientOf(busy()), configMap: types.NamespacedName{Namespace: "kube-system", Name: "none"}, schedulers: serving}
	var out strings.Builder
	if err := w.once(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "KubeNexus") != 1 || strings.Contains(got, "\x1b") || !strings.Contains(got, "WAITING (3)") {
		t.Errorf("got\n%s", got)
	}
}

// shown is what a terminal was told to show.
type shown struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (s *shown) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(text)
}

// until waits for a text.
func (s *shown) until(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	for {
		s.mu.Lock()
		got := s.text.String()
		s.mu.Unlock()
		if strings.Contains(got, want) {
			return
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			t.Fatalf("no %q in %q", want, got)
		}
	}
}

func TestLiveFollowsTheClusterUntilAKeyIsPressed(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	client := clientOf(busy())
	w := watch{client: client, configMap: types.NamespacedName{Namespace: "kube-system", Name: "none"}, schedulers: serving}
	keys, press := io.Pipe()
	out, restored := &shown{more: make(chan struct{}, 1)}, false
	s := &screen{
		keys: keys, out: out, size: func() (int, int, error) { return 0, 0, errors.New("unknown") },
		raw: func() (func(), error) { return func() { restored = true }, nil },
	}
	ended := make(chan error, 1)
	go func() { ended <- w.live(ctx, s) }()
	out.until(ctx, t, "39 pods")
	if _, err := client.CoreV1().Pods("team").Create(ctx, gangOf("new", 1, "", "", 0)[0], metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	out.until(ctx, t, "40 pods")
	if _, err := press.Write([]byte("xq")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	text := out.text.String()
	if !strings.HasPrefix(text, enterScreen) || !strings.HasSuffix(text, leaveScreen) || !restored {
		t.Errorf("the terminal is not as it was before: %q", text)
	}
}
