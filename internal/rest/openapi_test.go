package rest_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	clientrest "k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

var update = flag.Bool("update", false, "write docs/reference/openapi.json")

const described = "../../docs/reference/openapi.json"

// TestReferenceOfTheAPI keeps the description of the API in the documentation current: make reference.
func TestReferenceOfTheAPI(t *testing.T) {
	server, err := rest.New(rest.Options{APIServer: &clientrest.Config{Host: "https://example.com"}, Version: "v1", Limits: rest.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	made := append(server.OpenAPI(), '\n')
	if *update {
		if err := os.WriteFile(described, made, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, err := os.ReadFile(described)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(was), string(made)); diff != "" {
		t.Errorf("make reference writes it (-was +is):\n%s", diff)
	}
}
