package submit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// manifest is what is to be created.
type manifest struct {
	objects []workload.Object
	// service belongs to the Job that is the only object; nil without one.
	service *corev1.Service
}

// completeRequest adds to the request what its flags say in other words.
func (o *options) completeRequest() error {
	r := &o.request
	r.Resources = o.resources
	r.Env = map[string]string{}
	for _, text := range o.env {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return fmt.Errorf("--env is %q: write it as NAME=VALUE", text)
		}
		r.Env[name] = value
	}
	return nil
}

// manifest returns what is to be created: the objects of a file, or those that the flags describe.
func (o *options) manifest(namespace string) (*manifest, error) {
	if o.file != "" {
		return o.readFile(namespace)
	}
	o.request.Namespace = namespace
	asked, err := o.request.Objects()
	if err != nil {
		return nil, wrongFlags(err)
	}
	text, err := json.Marshal(asked.Job)
	if err != nil {
		return nil, fmt.Errorf("writing Job %s: %w", o.request.Name, err)
	}
	objects, err := workload.Parse(text, namespace)
	if err != nil {
		return nil, fmt.Errorf("reading Job %s: %w", o.request.Name, err)
	}
	return &manifest{objects: objects, service: asked.Service}, nil
}

// flagOf are the flags for the fields of a request that have other names.
//
//nolint:gochecknoglobals // a constant table
var flagOf = map[string]string{
	"name": "NAME", "minAvailable": "--min-available", "priorityClass": "--priority-class", "topology.required": "--topology-required",
	"topology.preferred": "--topology-preferred", "topology.spread": "--topology-spread", "expectedRuntime": "--expected-runtime",
	"schedulerName": "--scheduler-name",
}

// wrongFlags says what is wrong with a request in the words of the flags.
func wrongFlags(err error) error {
	wrong, is := errors.AsType[jobs.Invalid](err)
	if !is {
		return err
	}
	texts := make([]string, len(wrong))
	for i, field := range wrong {
		flag := flagOf[field.Location]
		if flag == "" {
			name, key, _ := strings.Cut(field.Location, ".")
			if flag = strings.TrimSuffix("--"+name+" "+key, " "); name == "resources" {
				flag = "--resource " + key
			}
		}
		texts[i] = flag + " " + strings.TrimPrefix(field.Message, flag)
	}
	return errors.New(strings.Join(texts, "; "))
}

func (o *options) readFile(namespace string) (*manifest, error) {
	from := o.in
	if o.file != "-" {
		opened, err := os.Open(o.file)
		if err != nil {
			return nil, err
		}
		defer opened.Close() //nolint:errcheck // closing a file that was only read
		from = opened
	}
	text, err := io.ReadAll(io.LimitReader(from, workload.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", o.file, err)
	}
	objects, err := workload.Parse(text, namespace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.file, err)
	}
	return &manifest{objects: objects}, nil
}

// created is an object that was created, or is to be.
type created struct {
	*unstructured.Unstructured
}

// unstructured returns the objects as they are sent to the API server.
func (m *manifest) unstructured() ([]created, error) {
	var all []created
	for i := range m.objects {
		object, err := unstructuredOf(&m.objects[i])
		if err != nil {
			return nil, err
		}
		all = append(all, created{object})
	}
	if m.service != nil {
		service, err := serviceOf(m.service, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, service)
	}
	return all, nil
}

// unstructuredOf returns an object as it is sent to the API server.
func unstructuredOf(o *workload.Object) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(o.JSON, &object.Object); err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", o.Kind, o.Name, err)
	}
	object.SetAPIVersion(o.APIVersion)
	object.SetKind(o.Kind)
	if !slices.Contains([]string{"Namespace", "PriorityClass"}, o.Kind) { // they are in none
		object.SetNamespace(o.Namespace)
	}
	return object, nil
}

// serviceOf returns the Service of a Job, which owns it if it exists.
func serviceOf(service *corev1.Service, job *unstructured.Unstructured) (created, error) {
	if job != nil {
		jobs.OwnedBy(service, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: job.GetName(), UID: job.GetUID()}})
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(service)
	if err != nil {
		return created{}, fmt.Errorf("writing Service %s: %w", service.Name, err)
	}
	return created{&unstructured.Unstructured{Object: content}}, nil
}

//nolint:gochecknoglobals // a constant table
var printers = map[string]func(out io.Writer, made []created, suffix string) error{
	"": asLines, "name": asNames, "json": asJSON, "yaml": asYAML,
}

func asLines(out io.Writer, made []created, suffix string) error {
	for _, object := range made {
		if _, err := fmt.Fprintf(out, "%s%s\n", object.id(), suffix); err != nil {
			return err
		}
	}
	return nil
}

func asNames(out io.Writer, made []created, _ string) error { return asLines(out, made, "") }

func asJSON(out io.Writer, made []created, _ string) error {
	return document.JSON(out, listOf(made))
}

func asYAML(out io.Writer, made []created, _ string) error {
	return document.YAML(out, listOf(made))
}

// listOf returns one object as it is, and several as a List.
func listOf(made []created) any {
	if len(made) == 1 {
		return made[0].Object
	}
	objects := make([]any, len(made))
	for i := range made {
		objects[i] = made[i].Object
	}
	return map[string]any{"apiVersion": "v1", "kind": "List", "items": objects}
}
