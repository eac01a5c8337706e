package cluster

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Objects reaches objects of any kind.
type Objects struct {
	client dynamic.Interface
	mapper meta.RESTMapper
}

// Objects returns access to objects of any kind.
func (o *Options) Objects() (*Objects, error) {
	config, _, err := o.Config()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the cluster: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to find out which kinds the cluster has: %w", err)
	}
	return NewObjects(client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))), nil
}

// NewObjects returns access to objects of the kinds that a mapper knows.
func NewObjects(client dynamic.Interface, mapper meta.RESTMapper) *Objects {
	return &Objects{client: client, mapper: mapper}
}

// Of returns the objects of a kind in a namespace, and what the API server calls the kind.
func (o *Objects) Of(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, schema.GroupVersionResource, error) {
	mapping, err := o.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, schema.GroupVersionResource{}, fmt.Errorf("the cluster has no kind %s of %s, or cannot be asked for it: %w",
			kind.Kind, kind.GroupVersion(), err)
	}
	resource := o.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return resource, mapping.Resource, nil
	}
	return resource.Namespace(namespace), mapping.Resource, nil
}

// Name writes a resource and a name as kubectl does, such as job.batch/training.
func Name(kind schema.GroupVersionKind, name string) string {
	return strings.ToLower(kind.GroupKind().String()) + "/" + name
}
