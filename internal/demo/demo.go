// Package demo shows gangs start on a control plane inside the process: a story that checks itself, or the user's own
// manifests. The scheduler is a process of its own, started from the same program.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/internal/demo/view"
)

// Options say what to show, and on what cluster.
type Options struct {
	// Files are the manifests to apply; without any, the demo runs its own steps.
	Files []string
	// Nodes is how many nodes there are, and Shape what each has.
	Nodes int
	Shape controlplane.NodeShape
	// Keep leaves everything running at the end, until the context ends.
	Keep bool
	// Page serves the web page beside the demo. It goes with Keep.
	Page bool
	// Timeout bounds everything but what Keep keeps.
	Timeout time.Duration
	// Command is how the user calls this demo, for hints.
	Command func(args string) string
	// Execute runs the kubenexus command with these arguments.
	Execute func(ctx context.Context, out io.Writer, args ...string) error
}

// schedulerNames are those that the scheduler serves.
func schedulerNames() []string { return []string{"kubenexus-scheduler", "batch-scheduler"} }

// demo is a demo that runs.
type demo struct {
	Options
	start  time.Time
	screen *view.Screen
	// fail ends the demo: something that it runs on has failed.
	fail context.CancelCauseFunc

	plane     *controlplane.ControlPlane
	client    kubernetes.Interface
	scheduler *process
	manifests *manifests
	watch     *watch
	// site is nil without Page.
	site *site
	// verdict is how the user's manifests ended.
	verdict string
}

// Run runs the demo. It returns nil if everything that it promises happened, and always cleans up.
func Run(ctx context.Context, o Options, screen *view.Screen) (err error) {
	start := time.Now()
	if err := o.check(); err != nil {
		return err
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	d := &demo{Options: o, start: start, screen: screen, fail: fail}
	defer func() { err = errors.Join(err, d.stop()) }()

	limited, cancel := context.WithTimeoutCause(running, o.Timeout, fmt.Errorf("it did not finish within %s (--timeout)", o.Timeout))
	defer cancel()
	if err := d.startCluster(limited, running); err != nil {
		return err
	}
	err = d.play(limited)
	if running.Err() != nil {
		return context.Cause(running)
	}
	if !o.Keep {
		d.watch.close()
	}
	d.summarize(err == nil)
	if o.Keep {
		return errors.Join(err, d.keep(running, err))
	}
	return err
}

// check finds mistakes before anything is started.
func (o Options) check() error {
	errs := []error{checkFiles(o.Files)}
	for flag, value := range map[string]string{"--node-cpu": o.Shape.CPU, "--node-memory": o.Shape.Memory} {
		if _, err := resource.ParseQuantity(value); err != nil {
			errs = append(errs, fmt.Errorf("%s=%q: %w", flag, value, err))
		}
	}
	if o.Nodes < 0 || o.Shape.Pods < 1 {
		errs = append(errs, errors.New("--nodes must be 0 or more, and --node-pods 1 or more"))
	}
	return errors.Join(errs...)
}

// startCluster starts the control plane, its nodes and the scheduler, and watches them until the demo ends.
func (d *demo) startCluster(ctx, running context.Context) error {
	end := d.screen.Begin("Starting etcd and kube-apiserver")
	if err := d.startPlane(ctx); err != nil {
		return err
	}
	end()
	end = d.screen.Begin(fmt.Sprintf("Adding %d simulated nodes with %s CPU and %s memory each", d.Nodes, d.Shape.CPU, d.Shape.Memory))
	if err := d.plane.AddNodes(ctx, "node", d.Nodes, d.Shape); err != nil {
		return err
	}
	end()
	end = d.screen.Begin("Starting kubenexus-scheduler in a separate process")
	scheduler, err := startScheduler(ctx, d.plane.Kubeconfig(), d.file("scheduler.log"), d.Page)
	if err != nil {
		return err
	}
	end()
	d.scheduler = scheduler
	go d.supervise(running)

	config := d.plane.Config()
	config.UserAgent = "kubenexus-demo"
	if d.client, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	if d.manifests, err = newManifests(config); err != nil {
		return err
	}
	if d.watch, err = newWatch(running, d.client, d.screen, d.start, d.fail); err != nil {
		return err
	}
	if d.Page {
		return d.startSite(ctx, config)
	}
	return nil
}

// startPlane starts the control plane. It does not end with the context: it has to outlive the scheduler, and an API
// server that is stopped before it is ready ends the process without cleaning up.
func (d *demo) startPlane(ctx context.Context) (err error) {
	if d.plane, err = controlplane.Start(context.WithoutCancel(ctx), controlplane.Options{}); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// file returns the path of a file that goes away with the control plane.
func (d *demo) file(name string) string {
	return filepath.Join(filepath.Dir(d.plane.Kubeconfig()), name)
}

// supervise ends the demo when something that it runs on has failed.
func (d *demo) supervise(running context.Context) {
	select {
	case <-running.Done():
	case <-d.plane.Done():
		d.fail(d.plane.Err())
	case <-d.scheduler.Done():
		d.fail(d.scheduler.failure())
	}
}

func (d *demo) play(ctx context.Context) error {
	if len(d.Files) > 0 {
		return d.showFiles(ctx)
	}
	return d.tell(ctx)
}

// summarize puts what became of each gang in the place of the live view.
func (d *demo) summarize(good bool) {
	d.screen.Clear()
	if d.verdict != "" {
		d.screen.Say("\n" + d.verdict)
	}
	snapshot, _ := d.watch.snapshot()
	if len(snapshot.Rows) == 0 {
		return
	}
	d.screen.Say("")
	d.screen.Heading("What happened, in seconds since the start. TOOK is from complete to released.")
	d.screen.Print(snapshot.Summary()...)
	d.screen.Say("")
	if !good || d.Keep {
		return
	}
	d.screen.Heading("Try next")
	d.screen.Say("  your own manifests:   " + d.Command("-f FILE"))
	d.screen.Say("  look around inside:   " + d.Command("--keep"))
	d.screen.Say("  see it in a browser:  " + d.Command("--page"))
}

// keep says how to look around, and waits until the user has seen enough or something fails.
func (d *demo) keep(ctx context.Context, failed error) error {
	if failed != nil {
		d.screen.Heading(fmt.Sprintf("Failed: %v", failed))
	}
	if d.site != nil {
		d.site.say(d.screen)
		d.screen.Say("")
	}
	d.screen.Heading("Everything keeps running. Try, in another terminal:")
	for _, line := range []string{
		"export KUBECONFIG=" + d.plane.Kubeconfig(),
		"kubectl get nodes,pods -A -o wide",
		"kubectl events -A",
		"kubectl apply -f FILE",
	} {
		d.screen.Say("  " + line)
	}
	d.screen.Say("Log of the scheduler: " + d.scheduler.log)
	d.screen.Say("Press Ctrl-C to stop everything and remove its files.")
	<-ctx.Done()
	d.screen.Clear()
	if d.interrupted(ctx) {
		return nil // asked to stop
	}
	return context.Cause(ctx)
}

func (d *demo) interrupted(ctx context.Context) bool {
	select {
	case <-d.plane.Done():
		return false
	case <-d.scheduler.Done():
		return false
	case <-d.site.ended():
		return false
	default:
		return ctx.Err() != nil
	}
}

// stop ends everything that was started, the last first.
func (d *demo) stop() error {
	if d.watch != nil {
		d.watch.close()
	}
	d.screen.Clear()
	d.fail(nil) // what ends from here on has not failed
	if d.plane == nil {
		return nil
	}
	end := d.screen.Begin("Stopping")
	defer end()
	var errs []error
	if d.site != nil {
		errs = append(errs, d.site.stop())
	}
	if d.scheduler != nil {
		d.scheduler.Stop(stopTime)
	}
	return errors.Join(append(errs, d.plane.Stop())...)
}
