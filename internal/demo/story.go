package demo

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/kubenexus/kubenexus-scheduler/examples"
)

// DefaultNodes and DefaultCPU make the cluster that the steps of the story expect.
const (
	DefaultNodes = 4
	DefaultCPU   = "6"
)

// step is a part of the story. Its text is printed, then it is run, and then checked.
type step struct {
	title, text string

	happen func(ctx context.Context) error
	check  func(ctx context.Context) error
	// then are the arguments of a kubenexus command that shows the same to everybody. There may be none.
	then []string
}

// tell runs the steps of the story.
func (d *demo) tell(ctx context.Context) error {
	d.screen.Say("")
	for i, s := range d.story() {
		if err := d.pause(ctx); err != nil {
			return err
		}
		d.screen.Heading(fmt.Sprintf("%d. %s", i+1, s.title))
		d.screen.Say("   " + s.text)
		err := s.happen(ctx)
		if err == nil {
			err = s.check(ctx)
		}
		if err == nil && len(s.then) > 0 {
			err = d.execute(ctx, s.then)
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return d.pause(ctx)
}

// execute runs a kubenexus command on this cluster, and shows what the user would type, and see.
func (d *demo) execute(ctx context.Context, args []string) error {
	typed := "kubenexus " + strings.Join(args, " ")
	var printed bytes.Buffer
	if err := d.Execute(ctx, &printed, append(args, "--kubeconfig="+d.plane.Kubeconfig())...); err != nil {
		return fmt.Errorf("%s: %w", typed, err)
	}
	const indent = "   "
	lines := []string{"", indent + "$ " + typed}
	for line := range strings.Lines(printed.String()) {
		lines = append(lines, strings.TrimRight(indent+line, " \n"))
	}
	d.screen.Print(append(lines, "")...)
	return nil
}

// pause gives the user time to read. Nothing depends on it.
func (d *demo) pause(ctx context.Context) error {
	moment := 500 * time.Millisecond
	if d.screen.Live() {
		moment = 2000 * time.Millisecond
	}
	select {
	case <-time.After(moment):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *demo) story() []step {
	gang := func(name string, w want) func(context.Context) error {
		return func(ctx context.Context) error { return d.expectGang(ctx, name, w) }
	}
	return []step{{
		title:  "Two of three",
		text:   `examples/batch-demo.yaml is a gang of 3 pods (min-available "3"). This creates the first two.`,
		happen: d.apply("batch-demo.yaml", 0, 2),
		check:  gang("demo", want{exist: 2, says: "gang default/demo has 2 of the 3 pods"}),
	}, {
		title:  "The third",
		text:   "This creates the last pod, and all three start together.",
		happen: d.apply("batch-demo.yaml", 2, 3),
		check:  gang("demo", want{exist: 3, bound: 3}),
	}, {
		title:  "A Spark job",
		text:   "examples/spark-job.yaml: one driver and ten executors. They start together.",
		happen: d.apply("spark-job.yaml", 0, all),
		check:  gang("spark-job-123", want{exist: 11, bound: 11}),
	}, {
		title:  "A Job",
		text:   "examples/training-job.yaml: its pod template makes its 4 pods a gang. They run for 3 seconds.",
		happen: d.apply("training-job.yaml", 0, all),
		check: func(ctx context.Context) error {
			if err := d.expectGang(ctx, "training", want{exist: 4, bound: 4}); err != nil {
				return err
			}
			return d.expectJob(ctx, "training")
		},
	}, {
		title:  "Too big",
		text:   "examples/too-big.yaml: 8 pods of 3 CPU. Only some of them fit, so none starts.",
		happen: d.apply("too-big.yaml", 0, all),
		check:  gang("too-big", want{exist: 8, says: "gang default/too-big cannot be scheduled"}),
		then:   []string{"gangs"},
	}, {
		title:  "What waits holds nothing",
		text:   "examples/plain-pod.yaml: a pod of 3 CPU without a gang is created later, and starts at once.",
		happen: d.apply("plain-pod.yaml", 0, all),
		check: func(ctx context.Context) error {
			if err := d.expectPod(ctx, "latecomer"); err != nil {
				return err
			}
			return d.expectGang(ctx, "too-big", want{exist: 8})
		},
	}, {
		title:  "Room",
		text:   "The cluster gets 4 more nodes, as from an autoscaler. Now all 8 pods fit, and they start.",
		happen: func(ctx context.Context) error { return d.plane.AddNodes(ctx, "new", 4, d.Shape) },
		check:  gang("too-big", want{exist: 8, bound: 8}),
	}, {
		title:  "One rack",
		text:   "4 nodes with 4 GPUs each, in two racks. examples/one-rack.yaml: both pods ask for 4 GPUs, and for the same rack.",
		happen: d.addRacks,
		check: func(ctx context.Context) error {
			if err := d.expectGang(ctx, "one-rack", want{exist: 2, bound: 2}); err != nil {
				return err
			}
			return d.expectOneRack(ctx, "one-rack")
		},
	}, {
		title:  "Two teams",
		text:   "examples/sweep.yaml: the gang of queue batch takes the other 8 GPUs, which nobody uses.",
		happen: d.apply("sweep.yaml", 0, all),
		check:  gang("sweep", want{exist: 2, bound: 2}),
	}, {
		title: "What a team is promised",
		text: "examples/finetune.yaml: queue research is guaranteed 8 GPUs (examples/two-teams.yaml). " +
			"Its gang preempts the whole gang of batch, which waits.",
		happen: d.apply("finetune.yaml", 0, all),
		check: func(ctx context.Context) error {
			if err := d.expectGang(ctx, "finetune", want{exist: 2, bound: 2}); err != nil {
				return err
			}
			return d.expectGang(ctx, "sweep", want{exist: 2, says: "gang default/sweep cannot be scheduled"})
		},
		then: []string{"explain", "gang", "sweep"},
	}}
}

// rackKey is the label that says in which rack a node is.
const rackKey = "example.com/rack"

// addRacks adds nodes with GPUs in two racks, and creates a gang that asks for one of them. The queues of the next steps count from now on.
func (d *demo) addRacks(ctx context.Context) error {
	if err := d.apply("two-teams.yaml", 0, all)(ctx); err != nil {
		return err
	}
	shape := d.Shape
	shape.Extended = map[string]string{"nvidia.com/gpu": "4"}
	for _, rack := range []string{"a", "b"} {
		shape.Labels = map[string]string{rackKey: rack}
		if err := d.plane.AddNodes(ctx, "rack-"+rack, 2, shape); err != nil {
			return err
		}
	}
	return d.apply("one-rack.yaml", 0, all)(ctx)
}

// all is the end of the longest example.
const all = -1

// apply creates the objects of an example from one to before another.
func (d *demo) apply(name string, from, to int) func(context.Context) error {
	return func(ctx context.Context) error {
		infos, err := d.example(name)
		if err != nil {
			return err
		}
		if to == all {
			to = len(infos)
		}
		if to > len(infos) {
			return fmt.Errorf("examples/%s has %d objects, not %d", name, len(infos), to)
		}
		return createAll(ctx, infos[from:to])
	}
}

func (d *demo) example(name string) ([]*resource.Info, error) {
	file, err := examples.Files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the example: %w", err)
	}
	defer func() { _ = file.Close() }() // only read, from memory
	return d.manifests.read(file, "examples/"+name)
}
