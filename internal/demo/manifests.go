package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// manifests reads objects from files and creates them.
type manifests struct {
	config    *rest.Config
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper
}

func newManifests(config *rest.Config) (*manifests, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a discovery client: %w", err)
	}
	cached := memory.NewMemCacheClient(client)
	return &manifests{config: config, discovery: cached, mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached)}, nil
}

// ToRESTConfig serves the builder of resources.
func (m *manifests) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(m.config), nil }

// ToDiscoveryClient serves the builder of resources.
func (m *manifests) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return m.discovery, nil
}

// ToRESTMapper serves the builder of resources.
func (m *manifests) ToRESTMapper() (meta.RESTMapper, error) { return m.mapper, nil }

func (m *manifests) builder() *resource.Builder {
	return resource.NewBuilder(m).Unstructured().ContinueOnError().NamespaceParam(metav1.NamespaceDefault).DefaultNamespace()
}

// read returns the objects of a stream.
func (m *manifests) read(stream io.Reader, name string) ([]*resource.Info, error) {
	infos, err := m.builder().Stream(stream, name).Flatten().Do().Infos()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return infos, nil
}

// createFiles creates the objects in files and directories, one after another, so that an object can need one before it.
func (m *manifests) createFiles(ctx context.Context, files []string) error {
	count := 0
	err := m.builder().FilenameParam(false, &resource.FilenameOptions{Filenames: files}).Flatten().Do().
		Visit(func(info *resource.Info, err error) error {
			if err != nil {
				return err
			}
			count++
			return create(ctx, info)
		})
	if err == nil && count == 0 {
		err = fmt.Errorf("no objects in %s", strings.Join(files, ", "))
	}
	if several, ok := errors.AsType[utilerrors.Aggregate](err); ok {
		all := utilerrors.Flatten(several).Errors()
		err = fmt.Errorf("%d errors:\n%w", len(all), errors.Join(all...)) // one a line
	}
	return err
}

// createAll creates objects.
func createAll(ctx context.Context, infos []*resource.Info) error {
	for _, info := range infos {
		if err := create(ctx, info); err != nil {
			return err
		}
	}
	return nil
}

func create(ctx context.Context, info *resource.Info) error {
	helper := resource.NewHelper(info.Client, info.Mapping).WithFieldValidation(metav1.FieldValidationStrict)
	var last error
	// A new namespace gets its service account after a moment, and can have no pods before that.
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 5*time.Second, true, func(context.Context) (bool, error) {
		_, last = helper.Create(info.Namespace, true, info.Object)
		return last == nil || !lacksServiceAccount(last), nil
	})
	if last == nil {
		last = err
	}
	if last != nil {
		return fmt.Errorf("%s: creating %s: %w", info.Source, describe(info), last)
	}
	return nil
}

func lacksServiceAccount(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "error looking up service account")
}

// describe names an object as users do.
func describe(info *resource.Info) string {
	name := info.Name
	if object, err := meta.Accessor(info.Object); err == nil && name == "" {
		name = object.GetGenerateName() + "*"
	}
	if info.Namespace != "" {
		name = info.Namespace + "/" + name
	}
	return info.Mapping.GroupVersionKind.Kind + " " + name
}

// checkFiles finds files that are not there before anything is started.
func checkFiles(files []string) error {
	var errs []error
	for _, file := range files {
		if file == "-" || strings.Contains(file, "://") || strings.ContainsAny(file, "*?[") {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			errs = append(errs, fmt.Errorf("-f %s: %w", file, err))
		}
	}
	return errors.Join(errs...)
}
