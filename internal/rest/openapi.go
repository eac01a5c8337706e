package rest

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
)

// describeBodies describes the bodies that are a request or a manifest, and what events of a watch have. They are read and written as they
// are, so huma does not know them.
func describeBodies(api *huma.OpenAPI) {
	api.Components.Schemas.Schema(reflect.TypeFor[gangread.Brief](), true, "GangBrief")
	request := api.Components.Schemas.Schema(reflect.TypeFor[jobs.Request](), true, "Request")
	manifest := &huma.Schema{
		Type: huma.TypeObject, Description: "An object of Kubernetes: a Job, a JobSet, a Pod, or a List of them.",
		Properties: map[string]*huma.Schema{"apiVersion": {Type: huma.TypeString}, "kind": {Type: huma.TypeString}},
		Required:   []string{"apiVersion", "kind"}, AdditionalProperties: true,
	}
	for _, path := range api.Paths {
		if path.Post == nil {
			continue
		}
		path.Post.RequestBody = &huma.RequestBody{
			Required: true,
			Content: map[string]*huma.MediaType{
				"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{request, manifest}}},
				"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString, Description: "A manifest of any number of documents."}},
			},
		}
	}
	for _, path := range api.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Delete} {
			if op != nil && op.Responses["429"] != nil {
				op.Responses["429"].Headers = map[string]*huma.Param{
					"Retry-After": {Description: http.StatusText(http.StatusTooManyRequests), Schema: &huma.Schema{Type: huma.TypeInteger}},
				}
			}
		}
	}
}
