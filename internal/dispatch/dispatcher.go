// Package dispatch carries out what the ledger decides, and feeds the ledger from the informers.
package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	kubeevents "k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

const (
	// tickInterval is how often the ledger is told that time passed: what a gang waits for is measured in seconds.
	tickInterval = 100 * time.Millisecond
	// lookPause is how long after it was asked for what waits is looked at again.
	lookPause = 20 * time.Millisecond
	// retainInterval is how often the ledger is checked against the informer.
	retainInterval = 30 * time.Second
)

// Dispatcher carries out the ledger's decisions. Some are made under the scheduling queue's lock, so a goroutine of its own performs
// those that call the queue.
type Dispatcher struct {
	logger  klog.Logger
	ledger  *ledger.Ledger
	limiter *bindlimit.Limiter
	slots   *slots.Held
	metrics *metrics.Metrics
	handle  fwk.Handle
	// recorders are by schedulerName; complete once the factories have run.
	recorders map[string]kubeevents.EventRecorderLogger
	// finished are the informers of pods that ended, by schedulerName.
	finished map[string]cache.SharedIndexInformer
	leadership
	hooks
	workers
	inbox
	queueConfig
}

// leadership is whether this process makes decisions.
type leadership struct {
	leading atomic.Bool
	// led is closed once it does.
	led chan struct{}
}

// hooks call the scheduling queue.
type hooks struct {
	// activate puts pods into the active part of the queue.
	activate func(klog.Logger, []gang.Ref)
	// freed reports to the queue that the capacity of a pod is free.
	freed func(klog.Logger, *corev1.Pod)
	// proceed puts the pod that goes next into the queue.
	proceed func(klog.Logger)
	// ended is called with each pod that is gone from its node, once the scheduler's cache no longer has it.
	ended func(types.UID)
}

// workers perform what takes a request to the API server, each on a goroutine of its own.
type workers struct {
	writer  *statusWriter
	evictor *evictor
	counter *jobCounter
}

// inbox holds the decisions that are not performed yet.
type inbox struct {
	mu      sync.Mutex
	pending []gang.Decision
	more    chan struct{}
}

// Parts are what the dispatcher works with.
type Parts struct {
	Ledger  *ledger.Ledger
	Limiter *bindlimit.Limiter
	Slots   *slots.Held
	Metrics *metrics.Metrics
}

// New returns a dispatcher that does nothing before it runs.
func New(logger klog.Logger, parts Parts, h fwk.Handle) *Dispatcher {
	p := &Dispatcher{
		logger:     logger,
		ledger:     parts.Ledger,
		limiter:    parts.Limiter,
		slots:      parts.Slots,
		metrics:    parts.Metrics,
		handle:     h,
		recorders:  map[string]kubeevents.EventRecorderLogger{},
		finished:   map[string]cache.SharedIndexInformer{},
		leadership: leadership{led: make(chan struct{})},
		hooks: hooks{
			activate: func(logger klog.Logger, refs []gang.Ref) { h.Activate(logger, Stubs(refs)) },
			freed:    func(klog.Logger, *corev1.Pod) {},
			proceed:  func(klog.Logger) {},
			ended:    func(types.UID) {},
		},
		inbox: inbox{more: make(chan struct{}, 1)},
	}
	p.writer, p.evictor, p.counter = newStatusWriter(p), newEvictor(p), newJobCounter(p)
	return p
}

// Activating makes decisions put pods into the active part of the queue by this function.
func (p *Dispatcher) Activating(activate func(klog.Logger, []gang.Ref)) { p.activate = activate }

// Freeing makes decisions report freed capacity to the queue by this function: that of a pod that is gone.
func (p *Dispatcher) Freeing(freed func(klog.Logger, *corev1.Pod)) { p.freed = freed }

// Proceeding makes decisions put the pod that goes next into the queue by this function.
func (p *Dispatcher) Proceeding(proceed func(klog.Logger)) { p.proceed = proceed }

// Ending calls this function with each pod that is gone from its node, once the scheduler's cache no longer has it. It must not block.
func (p *Dispatcher) Ending(ended func(types.UID)) { p.ended = ended }

// Serve makes pods of the profile get events by its recorder, and follows those that ended.
func (p *Dispatcher) Serve(ctx context.Context, h fwk.Handle) error {
	if _, known := p.recorders[h.ProfileName()]; known {
		return nil
	}
	p.recorders[h.ProfileName()] = h.EventRecorder()
	return p.watchFinished(ctx, h.ProfileName())
}

// Watch feeds the ledger from the informers of pods and nodes.
func (p *Dispatcher) Watch() error {
	if err := p.watchCordons(); err != nil {
		return err
	}
	_, err := p.handle.SharedInformerFactory().Core().V1().Pods().Informer().AddEventHandler(podHandler(
		func(pod *corev1.Pod) { p.Perform(p.ledger.Observe(pod)) },
		func(pod *corev1.Pod) { p.Perform(p.ledger.Deleted(pod)) },
	))
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	return nil
}

// podHandler calls one function for each pod that exists or changed, and another for each that is gone. A pod that was deleted and created
// again while the watch was interrupted is two pods.
func podHandler(seen, gone func(*corev1.Pod)) cache.ResourceEventHandler {
	call := func(with func(*corev1.Pod), obj any) {
		if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = unknown.Obj
		}
		if pod, ok := obj.(*corev1.Pod); ok {
			with(pod)
		}
	}
	return recreated.Handler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { call(seen, obj) },
		UpdateFunc: func(_, obj any) { call(seen, obj) },
		DeleteFunc: func(obj any) { call(gone, obj) },
	})
}

// Lead starts everything that only the process that makes decisions may do. Informers deliver to each handler on its
// own, so the ledger is first brought up to what the lister knows.
func (p *Dispatcher) Lead() {
	pods, err := p.handle.SharedInformerFactory().Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		p.logger.Error(err, "Failed to list pods from the informer")
	}
	slices.SortFunc(pods, byAge) // the lister has them in no order
	for _, pod := range pods {
		p.Perform(p.ledger.Observe(pod))
	}
	p.finishAll()
	p.restore(pods)
	p.leading.Store(true)
	close(p.led)
}

// byAge orders pods by when they were created, then by their names.
func byAge(a, b *corev1.Pod) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// Perform carries out decisions. It never blocks and never calls the scheduling queue.
func (p *Dispatcher) Perform(decisions []gang.Decision) {
	if len(decisions) == 0 {
		return
	}
	p.mu.Lock()
	p.pending = append(p.pending, decisions...)
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// Run performs decisions and lets time pass, until the context ends.
func (p *Dispatcher) Run(ctx context.Context) {
	go p.keepTime(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.more:
		}
		p.mu.Lock()
		decisions := p.pending
		p.pending = nil
		p.mu.Unlock()
		for _, d := range decisions {
			p.do(d)
		}
	}
}

func (p *Dispatcher) keepTime(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-p.led:
	}
	go p.writer.run(ctx)
	go p.evictor.run(ctx)
	go p.counter.run(ctx)
	tick, retain := time.NewTicker(tickInterval), time.NewTicker(retainInterval)
	defer tick.Stop()
	defer retain.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.Perform(p.ledger.Tick())
		case <-retain.C:
			p.Perform(p.ledger.Retain(p.exists))
		}
	}
}

// exists says whether the informer still has the pod.
func (p *Dispatcher) exists(ref gang.Ref) bool {
	pod, err := p.Pod(ref)
	return err == nil && pod != nil || err != nil && !apierrors.IsNotFound(err)
}

// Pod returns the informer's pod, or nil if the name is another pod's now.
func (p *Dispatcher) Pod(ref gang.Ref) (*corev1.Pod, error) {
	pod, err := p.handle.SharedInformerFactory().Core().V1().Pods().Lister().Pods(ref.Namespace).Get(ref.Name)
	if err != nil || string(pod.UID) != ref.UID {
		return nil, err
	}
	return pod, nil
}

func (p *Dispatcher) do(decision gang.Decision) {
	if !p.leading.Load() {
		if _, talk := decision.(gang.Notify); talk {
			return // the process that leads tells it
		}
	}
	p.metrics.Performed(decision)
	switch d := decision.(type) {
	case gang.Activate:
		p.activate(p.logger, d.Members)
	case gang.Notify:
		p.logger.Info("Reporting to gang members",
			"gang", d.Gang, "kind", d.Kind, "members", len(d.Members), "message", events.Sentence(d.Explanation))
		p.writer.enqueue(d)
	case gang.Evict:
		p.logger.Info("Evicting gang members", "gang", d.Because.Gang, "members", len(d.Members), "reason", d.Because.Kind)
		p.evictor.enqueue(d)
	case gang.Count:
		p.counter.enqueue(d)
	case gang.Proceed:
		p.proceed(p.logger)
	case gang.LookAgain:
		time.AfterFunc(lookPause, func() { p.Perform(p.ledger.LookAgain()) })
	case gang.Freed:
		if pod := p.slots.TakeFreed(p.logger); pod != nil {
			p.freed(p.logger, pod)
		}
	}
}

// Stubs are as the scheduling queue wants them.
func Stubs(refs []gang.Ref) map[string]*corev1.Pod {
	pods := make(map[string]*corev1.Pod, len(refs))
	for _, ref := range refs {
		pods[ref.Namespace+"/"+ref.Name] = stub(ref)
	}
	return pods
}

// stub stands for a pod where the scheduler only looks at its identity.
func stub(ref gang.Ref) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name, UID: types.UID(ref.UID)}}
}
