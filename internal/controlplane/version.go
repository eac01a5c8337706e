package controlplane

import (
	"reflect"
	"runtime"
	"strings"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// kubernetesVersion returns the version of the Kubernetes module in this
// binary. Kubernetes' own notion of it comes from linker flags, and is
// "v0.0.0-master+$Format:%H$" under "go run" and "go test". The build
// information is no help: "go test" leaves the dependencies out of it.
func kubernetesVersion() string {
	run := reflect.ValueOf(app.Run).Pointer()
	file, _ := runtime.FuncForPC(run).FileLine(run)
	if _, path, ok := strings.Cut(file, "k8s.io/kubernetes@"); ok {
		v, _, _ := strings.Cut(path, "/")
		return v
	}
	return "v" + version.DefaultKubeBinaryVersion + ".0" // vendored: the path has no version
}

// versionRegistry is a registry whose components report kubernetesVersion.
type versionRegistry struct {
	compatibility.ComponentGlobalsRegistry
}

func (r versionRegistry) EffectiveVersionFor(component string) compatibility.EffectiveVersion {
	v := r.ComponentGlobalsRegistry.EffectiveVersionFor(component)
	if v == nil {
		return nil
	}
	return effectiveVersion{v}
}

type effectiveVersion struct {
	compatibility.EffectiveVersion
}

func (v effectiveVersion) Info() *apimachineryversion.Info {
	info := v.EffectiveVersion.Info()
	if info != nil {
		info.GitVersion = kubernetesVersion()
	}
	return info
}
