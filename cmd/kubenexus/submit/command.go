// Package submit is the part of the kubenexus command that creates gangs, and waits until they run.
package submit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/dryrun"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/exit"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
)

// options are what the user asks for.
type options struct {
	cluster   *cluster.Options
	file      string
	request   jobs.Request
	env       []string
	resources map[string]string
	output    string
	dryRun    dryrun.Strategy
	wait      bool
	timeout   time.Duration
	in        io.Reader
	out       io.Writer
	progress  io.Writer
}

// NewCommand returns the command that creates gangs.
func NewCommand() *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:   "submit NAME --image=IMAGE [-- COMMAND ARGS...] | submit -f FILE",
		Short: "Create a gang, and wait until it runs",
		Long: `submit creates a Job whose pods are a gang, or the objects of a manifest whose pods are gangs. It first checks that the
pods would start together: that they have the annotations, and the schedulerName, and are as many as have to start together.
If not it says what is missing, and creates nothing.

With flags it makes an Indexed Job of NAME with --replicas pods. What follows -- is the command of the container. --torchrun sets the
variables that torchrun reads, and makes a Service, so that the pods find each other.

A manifest may have Pods, Jobs, Deployments, ReplicaSets, StatefulSets, JobSets, LeaderWorkerSets and the jobs of kubeflow.org, and objects
without pods, such as Services. Objects are created, never changed; generateName works.

With --wait it says, whenever that changes, how many of the pods exist, have a node, and run, and why the gang waits. It ends when as many
pods run as have to start together.

Exit codes: 0 if the objects were created, and with --wait the gangs run; 1 if not, or if what was created failed or was deleted while it
was waited for; 124 if --timeout passed. What was created stays.`,
		Example: `  # 4 pods that start together
  kubenexus submit training --image=busybox:1.37 --replicas=4 --cpu=2 --memory=1Gi -- sleep 60

  # PyTorch on 2 nodes with 8 GPUs each, in one rack; wait until it runs, but for at most an hour
  kubenexus submit resnet --image=pytorch/pytorch --replicas=2 --gpu=8 --torchrun --queue=research \
    --topology-required=example.com/rack --wait --timeout=1h -- torchrun train.py

  # a manifest
  kubenexus submit -f job.yaml --wait

  # only print the Job
  kubenexus submit training --image=busybox:1.37 --replicas=4 --dry-run=client -o yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.in, o.out, o.progress = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := o.complete(args, cmd.ArgsLenAtDash(), cmd.Flags()); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	o.addRequestFlags(flags)
	flags.StringVarP(&o.file, "filename", "f", "", "a manifest, or - for standard input; instead of NAME and --image")
	flags.StringVarP(&o.output, "output", "o", "", "print what was created: one of json, yaml and name")
	o.dryRun.AddFlag(flags, "check and print only")
	flags.BoolVar(&o.wait, "wait", false, "wait until the gangs run")
	flags.DurationVar(&o.timeout, "timeout", 0, "how long --wait waits; 0: as long as it takes")
	o.cluster.AddFlags(flags)
	return cmd
}

// requestFlags are the flags that make a Job, and do not go with a manifest.
//
//nolint:gochecknoglobals // a constant table
var requestFlags = []string{
	"image", "replicas", "min-available", "cpu", "memory", "gpu", "resource", "env", "queue", "priority-class", "topology-required",
	"topology-preferred", "topology-spread", "expected-runtime", "scheduler-name", "torchrun",
}

func (o *options) addRequestFlags(flags *pflag.FlagSet) {
	r := &o.request
	flags.StringVar(&r.Image, "image", "", "the image of the container")
	flags.IntVar(&r.Replicas, "replicas", 1, "the number of pods")
	flags.IntVar(&r.MinAvailable, "min-available", 0, "how many pods have to start together; 0: all")
	flags.StringVar(&r.CPU, "cpu", "", "CPU that each pod requests, such as 2 or 500m")
	flags.StringVar(&r.Memory, "memory", "", "memory that each pod requests, such as 4Gi")
	flags.IntVar(&r.GPU, "gpu", 0, "GPUs of each pod (nvidia.com/gpu)")
	flags.StringToStringVar(&o.resources, "resource", nil, "other resources that each pod requests, such as example.com/nic=1")
	flags.StringArrayVarP(&o.env, "env", "e", nil, "an environment variable, as NAME=VALUE; may be given several times")
	flags.StringVar(&r.Queue, "queue", "", "the queue")
	flags.StringVar(&r.PriorityClass, "priority-class", "", "the PriorityClass of the pods")
	flags.StringVar(&r.Topology.Required, "topology-required", "", "the key of a node label: all pods run in one domain of it")
	flags.StringSliceVar(&r.Topology.Preferred, "topology-preferred", nil, "keys of node labels, the narrowest first: all pods in "+
		"one domain, if possible")
	flags.StringVar(&r.Topology.Spread, "topology-spread", "", "the key of a node label: the pods are spread evenly over its domains")
	flags.StringVar(&r.ExpectedRuntime, "expected-runtime", "", "how long the pods are expected to run, such as 2h")
	flags.StringVar(&r.SchedulerName, "scheduler-name", jobs.DefaultScheduler, "the schedulerName of the pods")
	flags.BoolVar(&r.Torchrun, "torchrun", false, "set up torchrun: its variables, and a Service")
}

// complete reads the arguments. dash is the number of those before --, or -1.
func (o *options) complete(args []string, dash int, flags *pflag.FlagSet) error {
	if err := o.checkFlags(); err != nil {
		return err
	}
	return o.completeArguments(args, dash, flags)
}

// checkFlags says which flags have a wrong value, or do not go together.
func (o *options) checkFlags() error {
	_, known := printers[o.output]
	switch {
	case !known:
		return fmt.Errorf("--output is %q: it can be json, yaml or name", o.output)
	case o.dryRun != dryrun.None && o.wait:
		return errors.New("--wait waits for what was created, and --dry-run creates nothing: use one of them")
	case o.timeout < 0 || o.timeout > 0 && !o.wait:
		return errors.New("--timeout is how long --wait waits: set --wait too, and a time above 0")
	}
	return o.dryRun.Check()
}

func (o *options) completeArguments(args []string, dash int, flags *pflag.FlagSet) error {
	var command []string
	if dash >= 0 {
		args, command = args[:dash], args[dash:]
	}
	if o.file != "" {
		for _, name := range requestFlags {
			if flags.Changed(name) {
				return fmt.Errorf("--%s is for a Job that submit makes: write it into the manifest", name)
			}
		}
		if len(args)+len(command) > 0 {
			return errors.New("submit takes a NAME or a manifest (-f), not both")
		}
		return nil
	}
	if len(args) != 1 {
		return errors.New("submit takes one NAME, or a manifest (-f); write the container's command after --")
	}
	o.request.Name, o.request.Command = args[0], command
	return o.completeRequest()
}

func (o *options) run(ctx context.Context) error {
	client, namespace, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	manifest, err := o.manifest(namespace)
	if err != nil {
		return err
	}
	if _, err := check(manifest.objects, o.schedulers(), time.Now()); err != nil {
		return err
	}
	if o.dryRun == dryrun.Client {
		made, err := manifest.unstructured()
		if err != nil {
			return err
		}
		return printers[o.output](o.out, made, " created (dry run)")
	}
	if _, err := client.Discovery().ServerVersion(); err != nil {
		return fmt.Errorf("reaching the cluster: %w; see --kubeconfig (or the variable KUBECONFIG), --context and --server", err)
	}
	objects, err := o.cluster.Objects()
	if err != nil {
		return err
	}
	made, err := create(ctx, objects, manifest, o.dryRun == dryrun.Server)
	if shown := o.show(made); err == nil {
		err = shown
	}
	if err != nil || !o.wait {
		return err
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, &exit.Error{
			Code: exit.TimedOut, Err: fmt.Errorf("not all gangs run after %s; they go on to wait", o.timeout),
		})
		defer cancel()
	}
	return o.await(ctx, client, objects, manifest, made)
}

// show prints what was created.
func (o *options) show(made []created) error {
	suffix := " created"
	if o.dryRun == dryrun.Server {
		suffix = " created (server dry run)"
	}
	return printers[o.output](o.out, made, suffix)
}

// schedulers are the schedulerNames that make a gang.
func (o *options) schedulers() []string {
	return append([]string{o.request.SchedulerName}, o.cluster.Schedulers...)
}
