package scheduler

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	apiversion "k8s.io/apimachinery/pkg/version"
	apiservercompatibility "k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/compatibility"
	"k8s.io/klog/v2"
)

// TestAServerThatTellsLittle: a cluster may have removed the role system:discovery, and what stands before an API server may
// answer in its place. Upstream's scheduler runs there too.
func TestAServerThatTellsLittle(t *testing.T) {
	const v133, noVersion = `{"gitVersion":"v1.33.0"}`, `{"gitVersion":"unknown"}`
	none := `{"kind":"APIResourceList","resources":[]}`
	for _, tc := range []struct {
		name          string
		version, apis answer
		want          string
	}{
		{"all is forbidden", answer{403, "no"}, answer{403, "no"}, "of an unknown version <nil>, missing 0"},
		{"the version may be asked", answer{200, v133}, answer{403, "no"}, "v1.33.0 1.33, missing 0"},
		{"the APIs may be asked", answer{403, "no"}, answer{200, none}, "of an unknown version <nil>, missing 1"},
		{"a proxy hides the version", answer{404, "no"}, answer{403, "no"}, "of an unknown version <nil>, missing 0"},
		{"a version of its own kind", answer{200, noVersion}, answer{403, "no"}, "unknown <nil>, missing 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := ask(t, tc.version, tc.apis)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s %v, missing %d", s.name, s.version, len(s.missing))
			if got != tc.want || s.untold == nil {
				t.Errorf("it is %s; not discovered because of %v; want %s, and why", got, s.untold, tc.want)
			}
			if s.version != nil || len(s.missing) > 0 {
				return // then it adapts, for which gates that all tests share would change
			}
			registry := apiservercompatibility.DefaultComponentGlobalsRegistry
			before := registry.EffectiveVersionFor(compatibility.DefaultKubeComponent).EmulationVersion()
			if err := s.adapt(klog.Background(), registry); err != nil {
				t.Fatal(err)
			}
			if now := registry.EffectiveVersionFor(compatibility.DefaultKubeComponent).EmulationVersion(); !now.EqualTo(before) {
				t.Errorf("it behaves as %s, want %s as before", now, before)
			}
		})
	}
}

// TestAServerThatIsNotThereYet is asked again later. What stands before it may answer meanwhile that it knows nothing.
func TestAServerThatIsNotThereYet(t *testing.T) {
	nothing := answer{404, "default backend"}
	if s, err := ask(t, nothing, nothing); err == nil {
		t.Errorf("of one that knows nothing it is %+v, want that it is asked again", s)
	}
	told := answer{200, `{"gitVersion":"v1.36.3"}`}
	for _, busy := range []answer{{401, "who?"}, {429, "later"}, {500, "oh"}, {502, "no backend"}, {503, "starting"}} {
		if s, err := ask(t, busy, told); err == nil {
			t.Errorf("with status %d for its version it is %+v, want that it is asked again", busy.status, s)
		}
		if s, err := ask(t, told, busy); err == nil {
			t.Errorf("with status %d for its APIs it is %+v, want that it is asked again", busy.status, s)
		}
	}
}

type answer struct {
	status int
	text   string
}

// ask asks an API server that answers so about its version, and so about its APIs.
func ask(t *testing.T, version, apis answer) (*apiServer, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := apis
		if r.URL.Path == "/version" {
			a = version
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.text)) // the client is gone if that fails, and the test fails
	}))
	t.Cleanup(server.Close)
	return askAPIServer(discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL}), utilfeature.DefaultFeatureGate)
}

// TestVersionsThatServersSay: distributions add to the version what they like.
func TestVersionsThatServersSay(t *testing.T) {
	for _, tc := range []struct {
		info apiversion.Info
		want string
	}{
		{apiversion.Info{Major: "1", Minor: "33", GitVersion: "v1.33.13"}, "1.33"},
		{apiversion.Info{Major: "1", Minor: "32+", GitVersion: "v1.32.9-eks-113cf36"}, "1.32"},
		{apiversion.Info{Major: "1", Minor: "34", GitVersion: "v1.34.1-gke.1829001"}, "1.34"},
		{apiversion.Info{Major: "1", Minor: "34", GitVersion: "v1.34.1+k3s1"}, "1.34"},
		{apiversion.Info{Major: "1", Minor: "37+", GitVersion: "v1.37.0-alpha.1.33+5f1b2a7"}, "1.37"},
		{apiversion.Info{Major: "1", Minor: "36", EmulationMajor: "1", EmulationMinor: "35", GitVersion: "v1.36.3"}, "1.35"},
	} {
		got, err := behavesAs(&tc.info)
		if err != nil || got.String() != tc.want {
			t.Errorf("%s with emulation of %q.%q behaves as %v, error %v; want %s", tc.info.GitVersion, tc.info.EmulationMajor,
				tc.info.EmulationMinor, got, err, tc.want)
		}
	}
	if got, err := behavesAs(&apiversion.Info{GitVersion: "unknown"}); err == nil {
		t.Errorf("a server that does not say its version behaves as %s", got)
	}
}
