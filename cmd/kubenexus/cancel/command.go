// Package cancel is the part of the kubenexus command that deletes gangs, with the objects that make their pods.
package cancel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/dryrun"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// options are what the user asks for.
type options struct {
	cluster *cluster.Options
	dryRun  dryrun.Strategy
	output  string
	out     io.Writer
}

// NewCommand returns the command that deletes gangs.
func NewCommand() *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:   "cancel NAME...",
		Short: "Delete gangs, with the Jobs that make their pods",
		Long: `cancel deletes gangs of a namespace, whether they wait or run. NAME is that of a gang (see kubenexus gangs), or of a Job.

If only the pods were deleted, their Job would make new ones. So cancel deletes what makes them: the Job, or what made the Job, such as a
JobSet or a PyTorchJob; the Deployment of a ReplicaSet. It does not delete a CronJob, only the Job of this run. Pods that nothing makes are
deleted themselves. What is deleted takes the pods with it, which get their grace period.

It refuses to delete anything of a gang if you may not delete all that makes its pods, or if what makes them makes those of another gang
too that you did not name.

Exit codes: 0 if everything was deleted; 1 if a name was not found, or something could not be deleted.`,
		Example: `  # see what would be deleted
  kubenexus cancel training --dry-run=client

  # delete two gangs
  kubenexus cancel training resnet -n team-a

  # all gangs that wait in a namespace
  kubenexus gangs -n team-a -o json | jq -r '.items[] | select(.phase == "Ready") | .key.name' | xargs kubenexus cancel -n team-a`,
		Args: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				return errors.New("name the gangs or Jobs to delete (kubenexus gangs shows their names)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			o.out = cmd.OutOrStdout()
			return o.run(cmd.Context(), names)
		},
	}
	flags := cmd.Flags()
	o.dryRun.AddFlag(flags, "say what would be deleted")
	flags.StringVarP(&o.output, "output", "o", "", "name: print only the names of what was deleted")
	o.cluster.AddFlags(flags)
	return cmd
}

func (o *options) run(ctx context.Context, names []string) error {
	if o.output != "" && o.output != "name" {
		return fmt.Errorf("--output is %q: it can be name", o.output)
	}
	if err := o.dryRun.Check(); err != nil {
		return err
	}
	client, namespace, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	objects, err := o.cluster.Objects()
	if err != nil {
		return err
	}
	pods, err := gangread.List(ctx, client, namespace)
	if err != nil {
		return err
	}
	slices.Sort(names)
	finder := newFinder(client, objects, namespace, slices.Compact(names))
	finder.sort(pods, gangread.Among(pods, o.cluster.Schedulers, time.Now()).Items)
	return o.cancel(ctx, client, finder)
}

// cancel deletes what makes the pods of the gangs. It finds all of it first, because an object may make the pods of several.
func (o *options) cancel(ctx context.Context, client kubernetes.Interface, finder *finder) error {
	var targets []*target
	var failed []error
	for _, name := range finder.names {
		found, err := finder.find(ctx, name)
		if err == nil {
			err = refuse(ctx, client, finder, name, found)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, t := range found {
			if i := slices.IndexFunc(targets, func(known *target) bool { return known.uid == t.uid }); i >= 0 {
				targets[i].pods += t.pods
			} else {
				targets = append(targets, t)
			}
		}
	}
	for _, t := range targets {
		if err := o.delete(ctx, finder, t); err != nil {
			failed = append(failed, fmt.Errorf("deleting %s: %w", t, err))
		}
	}
	return errors.Join(failed...)
}

// refuse says why a gang cannot be deleted as a whole, or not without others.
func refuse(ctx context.Context, client kubernetes.Interface, finder *finder, name string, targets []*target) error {
	for _, t := range targets {
		if others := finder.others(ctx, t); len(others) > 0 {
			return fmt.Errorf("to cancel %s, %s would have to be deleted, which makes the pods of gang %s too: name what it makes "+
				"too, or delete it by "+
				"kubectl; nothing of %s was deleted", name, t, shown(others), name)
		}
		if allowed, err := t.mayBeDeleted(ctx, client); err == nil && !allowed {
			return fmt.Errorf("you may not delete %s in namespace %s, which makes the pods of gang %s: ask an administrator for the "+
				"right to delete %s; "+
				"nothing of gang %s was deleted", t, t.namespace, name, t.resource.GroupResource(), name)
		}
	}
	return nil
}

// delete deletes one object, and says so.
func (o *options) delete(ctx context.Context, finder *finder, t *target) error {
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: metav1.NewUIDPreconditions(string(t.uid))}
	suffix := " deleted"
	switch o.dryRun {
	case dryrun.None:
	case dryrun.Client:
		suffix = " deleted (dry run)"
	case dryrun.Server:
		suffix = " deleted (server dry run)"
		options.DryRun = []string{metav1.DryRunAll}
	}
	if o.dryRun != dryrun.Client {
		resource, _, err := finder.objects.Of(t.kind, t.namespace)
		if err != nil {
			return err
		}
		if err := resource.Delete(ctx, t.name, options); err != nil {
			return err
		}
	}
	if o.output == "name" {
		_, err := fmt.Fprintln(o.out, t)
		return err
	}
	_, err := fmt.Fprintf(o.out, "%s%s%s\n", t, suffix, t.about())
	return err
}
