package suite

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
)

const (
	// questionsPerSecond is how many questions are asked, and askers how many of them may wait for an answer.
	questionsPerSecond, askers = 100, 100
	// askedGang is the size of the gang that they are about.
	askedGang = 100
)

// questionsSteps returns runs while questions are asked and runs without any, in pairs, for each of our contenders.
func (s *suite) questionsSteps(nodes, run int) []step {
	var steps []step
	for i := range s.Contenders {
		without := s.Contenders[i]
		if !without.Answers() {
			continue
		}
		steps = append(steps, bothSteps("questions", nodes, run, without, without.WithQuestions(),
			func(ctx context.Context, c *contender.Contender) (string, error) {
				return s.questions(ctx, c, without.Name, nodes, run)
			})...)
	}
	return steps
}

// questions measures how fast pods are bound that are created while the scheduler runs, and how many questions it answers meanwhile.
func (s *suite) questions(ctx context.Context, c *contender.Contender, alike string, nodes, run int) (string, error) {
	batch := s.batch(c, s.Pods, groupSize(c))
	s.tracker.Follow(batch.Prefix)
	f := report.Questions{Alike: alike, Run: report.Run{Contender: c.Name, Mode: report.While, Nodes: nodes, Run: run, Pods: s.Pods}}
	asked := &asker{}
	beside := func(a *attempt) error {
		if !c.Asked() {
			return nil
		}
		// With a token, as people and serve have one.
		caller, err := clientcmd.BuildConfigFromFlags("", s.Env.Kubeconfig)
		if err != nil {
			return fmt.Errorf("reading the kubeconfig of who asks: %w", err)
		}
		scheduler, err := a.Questions(caller)
		if err != nil {
			return err
		}
		asked.start(a, scheduler)
		return nil
	}
	if err := s.measure(ctx, c, batch, &f.Run, beside); err != nil {
		return "", err
	}
	asked.figures(&f)
	s.result.Questions = append(s.result.Questions, f)
	return summary(fmt.Sprintf("%.0f pods/s, %d of %d questions answered", f.PerSecond, f.Answered, f.Asked), &f.Run), nil
}

// asker asks questions, and measures how long the answers take.
type asker struct {
	asking sync.WaitGroup

	mu    sync.Mutex
	asked int
	// took is how long the answers took, in seconds.
	took []float64
}

// start asks until the attempt ends.
func (k *asker) start(a *attempt, scheduler *ask.Scheduler) {
	k.asking.Go(func() {
		if a.Ready(a.ctx) != nil {
			return
		}
		tick, free := time.NewTicker(time.Second/questionsPerSecond), make(chan struct{}, askers)
		defer tick.Stop()
		for {
			select {
			case <-a.ctx.Done():
				return
			case <-tick.C:
			}
			k.mu.Lock()
			k.asked++
			k.mu.Unlock()
			select {
			case free <- struct{}{}:
				k.asking.Go(func() { k.ask(a.ctx, scheduler); <-free })
			default: // as many wait as may
			}
		}
	})
}

// ask asks once.
func (k *asker) ask(ctx context.Context, scheduler *ask.Scheduler) {
	began := time.Now()
	if _, err := scheduler.WhatIf(ctx, question()); err != nil {
		return // it is busy, or the attempt is over
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.took = append(k.took, time.Since(began).Seconds())
}

// figures waits for the last answer, and records what was measured.
func (k *asker) figures(f *report.Questions) {
	k.asking.Wait()
	f.Asked, f.Answered = k.asked, len(k.took)
	if len(k.took) > 0 {
		f.AnswerP50, f.AnswerP99 = stats.Quantile(k.took, 0.5), stats.Quantile(k.took, 0.99)
	}
}

// question asks about a gang like those of the benchmark.
func question() answers.WhatIf {
	const size = askedGang
	return answers.WhatIf{Pods: []answers.PodSet{{Count: size, Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: load.Namespace, Annotations: load.GangAnnotations("asked", size)},
		Spec: corev1.PodSpec{
			SchedulerName: "kubenexus-scheduler",
			Containers: []corev1.Container{{
				Name: "main", Image: "none", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi"),
				}},
			}},
		},
	}}}}
}
