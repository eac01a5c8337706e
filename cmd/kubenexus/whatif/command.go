// Package whatif is the part of the kubenexus command that asks the scheduler what would happen if a gang were created, or tried.
package whatif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// options are what the user asks for.
type options struct {
	cluster   *cluster.Options
	scheduler cluster.SchedulerOptions
	files     []string
	output    string
	asWritten bool
}

// NewCommand returns the command.
func NewCommand() *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:   "what-if -f FILE",
		Short: "Ask what would happen if a gang were created now",
		Long: `what-if asks the scheduler what would happen if the objects of a manifest were created now: whether the gang would start,
on which nodes, which pods would be preempted for it, or why it would wait and, if the pods that run say how long they do, until when.
Nothing is created.

The scheduler answers with the planner that schedules, on the cluster as it is, between two of its cycles. What then happens is the
same if nothing changes in between. It does not try Reserve plugins: a volume that cannot be provisioned shows only later. For a pod
without a gang, kube-scheduler's scores choose the node.

For a gang that exists and waits, ask kubenexus what-if gang NAME.

The objects may be pods, Jobs, JobSets, Deployments, StatefulSets and others that make pods; all pods have to be one gang, or a single
pod. The API server completes each pod first (dry run), so you need the right to create pods in the namespace. You also need the
right to the non-resource URL /kubenexus.io/v1alpha1/what-if of the scheduler (verb post). The scheduler is found by its lease,
which you need the right to get. If its address cannot be reached from here, a port of its pod is forwarded, as kubectl port-forward
does.

Exit codes: 0 if the scheduler has answered, whatever it says; 1 if not.`,
		Example: `  # would this Job start?
  kubenexus what-if -f job.yaml

  # would this gang, which exists and waits?
  kubenexus what-if gang training

  # for a script
  kubenexus what-if -f job.yaml -o json | jq -r .outcome

  # from a pipe, in another namespace
  helm template training | kubenexus what-if -n team-a -f -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "a manifest with the objects, - for standard input; repeatable")
	flags.StringVarP(&o.output, "output", "o", "", "json or yaml; without it, text")
	flags.BoolVar(&o.asWritten, "as-written", false,
		"ask about the pods as the manifest has them: without the dry run, and so without the API server's priorities and admission")
	o.scheduler.AddFlags(flags)
	o.cluster.AddFlags(flags)
	cobra.CheckErr(cmd.MarkFlagRequired("filename"))
	cmd.AddCommand(newOfGang())
	return cmd
}

func (o *options) run(ctx context.Context, in io.Reader, out io.Writer) error {
	show, err := printerOf(o.output)
	if err != nil {
		return err
	}
	client, namespace, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	var question answers.WhatIf
	for _, file := range o.files {
		sets, err := read(file, in, namespace)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		question.Pods = append(question.Pods, workload.PodSets(sets)...)
	}
	if len(question.Pods) == 0 {
		return errors.New("the manifest makes no pods: there is nothing to ask")
	}
	if !o.asWritten {
		if err := ask.Complete(ctx, client, &question); err != nil {
			return err
		}
	}
	scheduler, err := o.cluster.Scheduler(o.scheduler)
	if err != nil {
		return err
	}
	forecast, err := scheduler.WhatIf(ctx, question)
	if err != nil {
		return fmt.Errorf("the scheduler did not answer: %w", err)
	}
	return show(out, &forecast)
}

// read returns the pods that the manifest in a file makes.
func read(file string, in io.Reader, namespace string) ([]workload.Set, error) {
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close() //nolint:errcheck // closing a file that was only read
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, workload.MaxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > workload.MaxBytes:
		return nil, fmt.Errorf("it has more than %d bytes", workload.MaxBytes)
	}
	objects, err := workload.Parse(text, namespace)
	if err != nil {
		return nil, err
	}
	return workload.Sets(objects), nil
}
