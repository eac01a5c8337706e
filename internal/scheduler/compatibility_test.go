package scheduler

import (
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

// TestAServerThatMayNotBeAsked: a cluster may have taken the role system:discovery away. Upstream's scheduler runs there too.
func TestAServerThatMayNotBeAsked(t *testing.T) {
	for _, open := range []string{"", "/version"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != open {
				http.Error(w, "forbidden", http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"gitVersion":"v1.33.0"}`)) // the client is gone if that fails, and the test fails
		}))
		t.Cleanup(server.Close)
		s, err := askAPIServer(discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL}), utilfeature.DefaultFeatureGate)
		if err != nil {
			t.Fatal(err)
		}
		registry := apiservercompatibility.DefaultComponentGlobalsRegistry
		before := registry.EffectiveVersionFor(compatibility.DefaultKubeComponent).EmulationVersion()
		if err := s.adapt(klog.Background(), registry); err != nil {
			t.Fatal(err)
		}
		if now := registry.EffectiveVersionFor(compatibility.DefaultKubeComponent).EmulationVersion(); !now.EqualTo(before) {
			t.Errorf("it behaves as %s, want %s as before", now, before)
		}
	}
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
