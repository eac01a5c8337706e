// Package convert is the part of the kubenexus command that converts manifests of other gang schedulers.
package convert

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/internal/convert"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

// options are what the user asks for.
type options struct {
	files         []string
	recursive     bool
	schedulerName string
	strict        bool
}

// NewCommand returns the command that converts manifests.
func NewCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "convert -f FILE...",
		Short: "Convert manifests that were written for other gang schedulers",
		Long: `convert reads manifests that were written for another gang scheduler, and prints them for this one. It needs no cluster.

It changes the pod templates of any kind of object: it sets schedulerName and the annotations of a gang, and removes the keys that
they replace. Everything else, with its order and its comments, stays as it is. PodGroups that are no longer needed are left out.
It reads:

  scheduler-plugins  PodGroups and the label scheduling.x-k8s.io/pod-group; the labels and the PodGroups of older versions
  Volcano            PodGroups and the annotation scheduling.k8s.io/group-name; Volcano Jobs become one Job for each task
  YuniKorn           the annotations task-group-name and task-groups: each task group is a role of the gang
  Koordinator        the annotations name and min-available; gangs that start together become roles of one gang
  Kubeflow           spec.runPolicy.schedulingPolicy of a training job

All files are read before anything is printed: a PodGroup may be in another file than its pods.

What has no counterpart is a warning on standard error, with the file, the document, the object and the field, and what to do about
it. What cannot be converted, because it is not known how many pods have to start together, say, is an error, and is printed as it
was.

Exit codes: 0 if everything was converted; 1 if something could not be converted, or a file cannot be read; with --strict also if
there are warnings.`,
		Example: `  # see what would change
  kubenexus convert -f job.yaml | diff job.yaml -

  # a directory, into one file
  kubenexus convert -f manifests/ > converted.yaml

  # what a chart makes
  helm template my-chart | kubenexus convert -f -

  # in a pipeline that must not lose anything
  kubenexus convert --strict -f pod-group.yaml -f job.yaml > converted.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil,
		"a file, a directory with .yaml, .yml and .json files, or - for standard input; may be given several times")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "read the directories below those of --filename too")
	flags.StringVar(&o.schedulerName, "scheduler-name", scheduler.Name, "the schedulerName that the pods get")
	flags.BoolVar(&o.strict, "strict", false, "let the command fail if there are warnings")
	cobra.CheckErr(cmd.MarkFlagRequired("filename"))
	return cmd
}

func (o *options) run(stdin io.Reader, out, problems io.Writer) error {
	files, err := read(o.files, o.recursive, stdin)
	if err != nil {
		return err
	}
	text, notices := convert.Convert(files, o.schedulerName)
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("printing the manifests: %w", err)
	}
	failed := false
	for i := range notices {
		failed = failed || notices[i].Failed
		fmt.Fprintln(problems, &notices[i])
	}
	switch {
	case failed:
		return errors.New("not everything could be converted; what could not is printed as it was")
	case o.strict && len(notices) > 0:
		return errors.New("there are warnings, which --strict does not allow")
	}
	return nil
}
