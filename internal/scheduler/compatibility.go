package scheduler

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"
	apiversion "k8s.io/apimachinery/pkg/version"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/features"
)

// api is one that the scheduler watches while a feature gate is on. If the API server does not have it, the scheduler would
// wait for its cache forever.
type api struct {
	gate                   featuregate.Feature
	groupVersion, resource string
	// without says what it means for users that it is missing.
	without string
}

// watched are those that not every API server has. The others have been there since before 1.30.
func watched() []api {
	return []api{
		{features.DynamicResourceAllocation, "resource.k8s.io/v1", "resourceclaims", "pods with resource claims wait"},
		{features.DRADeviceTaintRules, "resource.k8s.io/v1beta2", "devicetaintrules", "device taint rules are not followed"},
		{features.GenericWorkload, "scheduling.k8s.io/v1alpha2", "podgroups", "pod groups of this API are not followed"},
	}
}

// lastWithoutClaims is the last version in which dynamic resource allocation can be off; from then on the gate is locked.
var lastWithoutClaims = version.MajorMinor(1, 34)

// apiServer is what the API server says of itself.
type apiServer struct {
	name string
	// version is its effective version: that of its binary, unless it emulates an older one. Nil if it is not known.
	version *version.Version
	// missing are APIs that the scheduler would watch and that it does not have. An API that cannot be discovered is assumed to exist.
	missing []api
	// untold is why the version or the APIs could not be discovered.
	untold error
}

// askAPIServer asks for the version, and for the APIs of the gates that are on. It fails if the server is not there, or not yet.
func askAPIServer(client discovery.DiscoveryInterface, gates featuregate.FeatureGate) (*apiServer, error) {
	s := &apiServer{name: "of an unknown version"}
	info, err := client.ServerVersion()
	switch {
	case err != nil && !refused(err):
		return nil, fmt.Errorf("getting its version: %w", err)
	case err != nil:
		s.untold = fmt.Errorf("getting its version: %w", err)
	default:
		s.tellsVersion(info)
	}
	asked := 0
	for _, a := range watched() {
		if !gates.Enabled(a.gate) {
			continue
		}
		asked++
		there, err := has(client, a)
		switch {
		case err != nil && !refused(err):
			return nil, fmt.Errorf("getting its API %s: %w", a.groupVersion, err)
		case err != nil:
			s.untold = errors.Join(s.untold, fmt.Errorf("getting its API %s: %w", a.groupVersion, err))
		case !there:
			s.missing = append(s.missing, a)
		}
	}
	if apierrors.IsNotFound(err) && asked > 0 && len(s.missing) == asked {
		return nil, errors.New("the endpoint serves neither a version nor APIs: it is not an API server")
	}
	return s, nil
}

func (s *apiServer) tellsVersion(info *apiversion.Info) {
	s.name = info.String()
	var err error
	if s.version, err = behavesAs(info); err != nil {
		s.untold = fmt.Errorf("its version %s: %w", info, err)
		return
	}
	if program, err := version.ParseGeneric(info.GitVersion); err == nil && program.Minor() != s.version.Minor() {
		s.name += " that emulates " + s.version.String()
	}
}

// refused says whether the server rejected the request for good. Who is asked may not be known
// yet, or be too busy.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || apierrors.IsUnauthorized(err) || apierrors.IsTooManyRequests(err) || apierrors.IsTimeout(err) {
		return false
	}
	code := status.Status().Code
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError
}

// behavesAs returns the minor version whose APIs and features a server has.
func behavesAs(info *apiversion.Info) (*version.Version, error) {
	if info.EmulationMajor != "" && info.EmulationMinor != "" {
		return version.ParseMajorMinor(info.EmulationMajor + "." + info.EmulationMinor)
	}
	v, err := version.ParseGeneric(info.GitVersion)
	if err != nil {
		return nil, err
	}
	return version.MajorMinor(v.Major(), v.Minor()), nil
}

func has(client discovery.DiscoveryInterface, a api) (bool, error) {
	list, err := client.ServerResourcesForGroupVersion(a.groupVersion)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for i := range list.APIResources {
		if list.APIResources[i].Name == a.resource {
			return true, nil
		}
	}
	return false, nil
}

// lacksClaims says whether pods with resource claims cannot be scheduled.
func (s *apiServer) lacksClaims() bool {
	return slices.ContainsFunc(s.missing, func(a api) bool { return a.gate == features.DynamicResourceAllocation })
}

// adapt makes this process behave as the scheduler of the API server's version if that is older, with what it then reads and
// writes, and turns off what would need an API that is missing. If it changed anything, it logs one line.
func (s *apiServer) adapt(logger klog.Logger, registry compatibility.ComponentGlobalsRegistry) error {
	effective, ok := registry.EffectiveVersionFor(compatibility.DefaultKubeComponent).(compatibility.MutableEffectiveVersion)
	if !ok {
		return errors.New("the emulation version of this process cannot be changed")
	}
	asked := effective.EmulationVersion()
	if s.untold != nil {
		logger.Info("Failed to discover the version or the APIs of the API server; assuming that it is not older than this scheduler. "+
			"If access is forbidden, grant the scheduler the role system:discovery", "err", s.untold)
	}
	target := asked
	if s.version != nil {
		target = older(asked, s.version)
	}
	if s.lacksClaims() {
		target = older(target, lastWithoutClaims)
	}
	if oldest := effective.BinaryVersion().WithPatch(0).SubtractMinor(3); target.LessThan(oldest) {
		target = oldest // upstream goes no further back
	}
	if !target.LessThan(asked) && len(s.missing) == 0 {
		return nil
	}
	effective.SetEmulationVersion(target)
	dropped, err := emulate(effective, utilfeature.DefaultMutableFeatureGate, s.missing)
	if err != nil {
		return fmt.Errorf("the API server is %s; this scheduler cannot behave as %s with these --feature-gates: %w", s.name, target, err)
	}
	logger.Info(s.sentence(effective, dropped))
	return nil
}

func older(a, b *version.Version) *version.Version {
	if b.LessThan(a) {
		return b
	}
	return a
}

// emulate gives the gates the values that they have in the version to behave as, and turns off those of missing APIs with
// all that need them. It returns the gates that the user turned on and that are off now.
func emulate(
	effective compatibility.EffectiveVersion, gates featuregate.MutableVersionedFeatureGate, missing []api,
) (dropped []string, err error) {
	target, compatible := effective.EmulationVersion(), effective.MinCompatibilityVersion()
	then := gates.DeepCopyAndReset()
	if err := then.SetEmulationVersionAndMinCompatibilityVersion(target, compatible); err != nil {
		return nil, err
	}
	known := then.GetAll()
	for _, gate := range slices.Sorted(maps.Keys(gates.GetAll())) {
		_, there := known[gate]
		if !gates.ExplicitlySet(gate) || there && !needs(gates, gate, missing) {
			continue
		}
		if gates.Enabled(gate) {
			dropped = append(dropped, string(gate))
		}
		if err := gates.ResetFeatureValueToDefault(gate); err != nil {
			return nil, err
		}
	}
	slices.Sort(dropped)
	if err := gates.SetEmulationVersionAndMinCompatibilityVersion(target, compatible); err != nil {
		return nil, err
	}
	off := map[string]bool{}
	for gate := range known {
		if gates.Enabled(gate) && needs(gates, gate, missing) {
			off[string(gate)] = false
		}
	}
	return dropped, gates.SetFromMap(off)
}

// needs says whether a gate cannot be on without one of the APIs.
func needs(gates featuregate.FeatureGate, gate featuregate.Feature, missing []api) bool {
	if slices.ContainsFunc(missing, func(a api) bool { return a.gate == gate }) {
		return true
	}
	return slices.ContainsFunc(gates.Dependencies()[gate], func(g featuregate.Feature) bool { return needs(gates, g, missing) })
}

// sentence says what is off, why, and what to do.
func (s *apiServer) sentence(effective compatibility.EffectiveVersion, dropped []string) string {
	text := &strings.Builder{}
	fmt.Fprintf(text, "The API server is %s", s.name)
	if target := effective.EmulationVersion(); target.LessThan(effective.BinaryVersion().WithPatch(0)) {
		fmt.Fprintf(text, ", so this scheduler behaves like the scheduler of Kubernetes %s", target)
	}
	for _, a := range s.missing {
		fmt.Fprintf(text, "; it has no %s in %s, so %s", a.resource, a.groupVersion, a.without)
	}
	if len(dropped) > 0 {
		fmt.Fprintf(text, "; --feature-gates enables gates that are off: %s", strings.Join(dropped, ", "))
	}
	text.WriteString(". Restart the scheduler when the API server is upgraded or serves more")
	return text.String()
}
