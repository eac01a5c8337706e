// Package suite runs and measures the schedulers one after the other.
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/proc"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/watch"
)

// The scenarios.
const (
	Throughput = "throughput"
	Freed      = "freed"
	Waiting    = "waiting"
	Footprint  = "footprint"
	Preempt    = "preempt"
	// PreemptWaiting has gangs that wait and could preempt nothing.
	PreemptWaiting = "preempt-waiting"
	// Topology has gangs that each ask for one rack.
	Topology = "topology"
	// Questions has questions that are asked while pods are scheduled.
	Questions = "questions"
	// Submissions has Jobs that are submitted to the API server and to the REST API.
	Submissions = "submissions"
)

const (
	// startTime limits how long a process may take to be ready, and cleanTime how long the cleanup after a run may take.
	startTime, cleanTime = time.Minute, 5 * time.Minute
	// calm is the share of a CPU below which a process counts as idle.
	calm = 0.2
)

// Options are what to measure.
type Options struct {
	Nodes       []int
	Pods        int
	SlowPods    int
	Runs        int
	Modes       []string
	Contenders  []contender.Contender
	Scenarios   []string
	Waiting     int
	Stream      int
	Repetitions int
	Preemptors  int
	// WaitingGangs is the number of gangs that could preempt nothing.
	WaitingGangs int
	// Submissions is the number of Jobs that are submitted.
	Submissions int
	// Timeout limits each run.
	Timeout time.Duration
	// ProfileOf is a prefix of the names of contenders to profile, and Profiles the directory for profiles.
	ProfileOf, Profiles string
	Env                 contender.Env
}

// Check validates the options before anything is started.
func (o *Options) Check() error {
	errs := []error{
		known("mode", o.Modes, report.First, report.While),
		known("scenario", o.Scenarios, Throughput, Freed, Waiting, Footprint, Preempt, PreemptWaiting, Topology, Questions, Submissions),
	}
	if min(len(o.Nodes), len(o.Contenders), o.Runs, o.Pods, o.SlowPods, o.Stream, o.Repetitions, o.Preemptors, o.WaitingGangs,
		o.Submissions) < 1 {
		errs = append(errs, errors.New("there has to be at least one of nodes, pods, runs, repetitions and contenders"))
	}
	if o.Waiting < 1 || o.Waiting%(2*streamGang) != 0 {
		errs = append(errs, fmt.Errorf("%d waiting pods are not a multiple of %d: a smaller gang could start", o.Waiting, 2*streamGang))
	}
	for _, nodes := range o.Nodes {
		if nodes < load.Slots {
			errs = append(errs, fmt.Errorf("%d nodes are fewer than %d", nodes, load.Slots))
		}
		if room := nodes * load.PodsPerNode; room < max(o.Pods, o.SlowPods, o.Stream) {
			errs = append(errs, fmt.Errorf("only %[2]d pods fit on %[1]d nodes", nodes, room))
		}
		if room := nodes * victimsPerNode; slices.Contains(o.Scenarios, Preempt) && room < o.Preemptors {
			errs = append(errs, fmt.Errorf("only %[2]d pods that preempt others fit on %[1]d nodes", nodes, room))
		}
		if room := nodes * freeOfVictims; slices.Contains(o.Scenarios, PreemptWaiting) && room < o.Stream {
			errs = append(errs, fmt.Errorf("only %[2]d pods fit beside those that run on %[1]d nodes", nodes, room))
		}
	}
	if slices.Contains(o.Scenarios, Topology) && len(o.Nodes) > 0 {
		if nodes := slices.Max(o.Nodes); inRacks(nodes) < max(o.Pods, o.SlowPods) {
			errs = append(errs, fmt.Errorf("only %d pods in gangs of one rack fit on %d nodes", inRacks(nodes), nodes))
		}
	}
	return errors.Join(errs...)
}

// known returns an error for unknown names.
func known(what string, names []string, all ...string) error {
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("no %s is called %q; there are %s", what, name, strings.Join(all, ", "))
		}
	}
	return nil
}

// suite is a running benchmark.
type suite struct {
	Options
	out     io.Writer
	start   time.Time
	plane   *contender.Process
	admin   *rest.Config
	client  kubernetes.Interface
	tracker *watch.Tracker
	batches int
	// submitters submit Jobs, once they exist.
	submitters []load.Submitter
	result     *report.Result
}

// Run runs the benchmark. If it fails, the result has what was measured until then.
func Run(ctx context.Context, o *Options, out io.Writer) (_ *report.Result, err error) {
	s := &suite{Options: *o, out: out, start: time.Now(), result: &report.Result{Machine: report.ThisMachine(ctx), Settings: o.settings()}}
	slices.Sort(s.Nodes)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := s.startPlane(ctx, fail); err != nil {
		return s.result, fmt.Errorf("starting etcd and kube-apiserver: %w", err)
	}
	defer s.plane.End()
	defer fail(nil) // end the watches first, so that they do not report errors
	err = s.play(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		s.result.Ended = err.Error()
	}
	return s.result, err
}

func (o *Options) settings() report.Settings {
	names := make([]string, 0, len(o.Contenders))
	for _, c := range o.Contenders {
		names = append(names, c.Name)
	}
	return report.Settings{
		Nodes: o.Nodes, Pods: o.Pods, SlowPods: o.SlowPods, Runs: o.Runs, Modes: o.Modes, Contenders: names,
		Scenarios: o.Scenarios, Waiting: o.Waiting, Stream: o.Stream,
		Preemptors: o.Preemptors, WaitingGangs: o.WaitingGangs, Submissions: o.Submissions, Timeout: o.Timeout.Seconds(),
	}
}

// startPlane starts the control plane that all contenders share, and the watches.
func (s *suite) startPlane(ctx context.Context, fail context.CancelCauseFunc) error {
	s.say("Starting etcd and kube-apiserver")
	limited, cancel := context.WithTimeoutCause(ctx, startTime, errors.New("they are not ready"))
	defer cancel()
	plane, err := contender.StartPlane(limited, &s.Env, s.podGroups())
	if err != nil {
		return err
	}
	s.plane = plane
	go func() {
		select {
		case <-plane.Done():
			fail(fmt.Errorf("the control plane: %w", plane.Failure()))
		case <-ctx.Done():
		}
	}()
	if err := s.connect(ctx); err != nil {
		plane.End()
		return err
	}
	return nil
}

func (s *suite) connect(ctx context.Context) (err error) {
	if s.admin, err = clientcmd.BuildConfigFromFlags("", s.Env.Admin); err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.Env.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.ContentType, config.UserAgent = -1, runtime.ContentTypeProtobuf, "kubenexus-bench"
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	if err := load.Prepare(ctx, s.client); err != nil {
		return err
	}
	if err := load.CreatePriorities(ctx, s.client); err != nil {
		return err
	}
	if err := load.ConfigureQueues(ctx, s.client, contender.QueuesName, contender.Queues); err != nil {
		return err
	}
	s.tracker, err = watch.Start(ctx, s.client)
	return err
}

// podGroups reports whether the API server must serve PodGroups.
func (s *suite) podGroups() bool {
	return slices.ContainsFunc(s.Contenders, func(c contender.Contender) bool { return c.NeedsPodGroups() })
}

// clean deletes the objects of a run, and waits until the control plane is idle.
func (s *suite) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cleanTime, fmt.Errorf("not clean within %s", cleanTime))
	defer cancel()
	for {
		// The server ends the request after a minute. What it has deleted by then stays deleted.
		err := load.DeleteAll(ctx, s.client, s.podGroups())
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cleaning up: %w: %w", context.Cause(ctx), err)
		}
	}
	if _, err := s.tracker.Await(ctx, func(state watch.State) bool { return state.Live == 0 }); err != nil {
		return fmt.Errorf("waiting for the pods to be gone: %w", err)
	}
	return proc.AwaitIdle(ctx, s.plane.Pid, calm, 400*time.Millisecond)
}

// batch returns pods for a contender with names that no earlier pods had.
func (s *suite) batch(c *contender.Contender, count, size int) *load.Batch {
	s.batches++
	return &load.Batch{
		Prefix: fmt.Sprintf("b%d", s.batches), Count: count, Size: size, CPU: 1,
		Style: c.Style(), SchedulerName: c.SchedulerName(), OneRack: c.OneRack(),
	}
}
