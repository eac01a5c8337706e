package scheduler

import (
	"context"
	"fmt"
	"net/http"
	goruntime "runtime"
	"time"

	genericfilters "k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/apiserver/pkg/server/statusz"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/component-base/configz"
	"k8s.io/component-base/logs"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/prometheus/slis"
	zpages "k8s.io/component-base/zpages/features"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/metrics/resources"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/questions"
)

const (
	// component is the name under which the endpoints of a scheduler are known.
	component = "kube-scheduler"
	// serveGoodbye is how long requests may take that run when the process stops.
	serveGoodbye = 5 * time.Second
)

// serve serves health, metrics and answers until stop is called, which waits for requests that run.
func (p *process) serve(ctx context.Context, healthy, ready []healthz.HealthChecker) (stop func(), err error) {
	stopping := make(chan struct{})
	stopped, closed, err := p.config.SecureServing.Serve(p.secured(p.endpoints(healthy, ready)), serveGoodbye, stopping)
	if err != nil {
		return nil, fmt.Errorf("serving health and metrics: %w", err)
	}
	logger := klog.FromContext(ctx)
	return func() {
		close(stopping)
		<-closed
		<-stopped
		logger.V(2).Info("No longer serving")
	}, nil
}

// secured has the API server authenticate and authorize each request, as kube-scheduler does.
func (p *process) secured(handler http.Handler) http.Handler {
	resolver := &request.RequestInfoFactory{}
	handler = genericfilters.WithAuthorization(handler, p.config.Authorization.Authorizer, scheme.Codecs)
	handler = genericfilters.WithAuthentication(handler, p.config.Authentication.Authenticator, genericfilters.Unauthorized(scheme.Codecs),
		nil, nil)
	handler = genericfilters.WithRequestInfo(handler, resolver)
	handler = genericfilters.WithCacheControl(handler)
	return filters.WithPanicRecovery(filters.WithHTTPLogging(handler), resolver)
}

// endpoints are those of kube-scheduler, and the answers.
func (p *process) endpoints(healthy, ready []healthz.HealthChecker) http.Handler {
	paths := mux.NewPathRecorderMux(component)
	healthz.InstallHandler(paths, healthy...)
	healthz.InstallLivezHandler(paths)
	healthz.InstallReadyzHandler(explained{mux: paths, checks: ready}, ready...)
	configz.InstallHandler(paths)
	paths.Handle("/metrics", legacyregistry.HandlerWithReset())
	slis.SLIMetricsWithReset{}.Install(paths)
	ofPods := resources.Handler(p.config.InformerFactory.Core().V1().Pods().Lister())
	paths.HandleFunc("/metrics/resources", func(w http.ResponseWriter, r *http.Request) {
		if p.leading.Load() {
			ofPods.ServeHTTP(w, r)
		}
	})
	if p.config.ComponentConfig.EnableProfiling {
		routes.Profiling{}.Install(paths)
		routes.DebugFlags{}.Install(paths, "v", routes.StringFlagPutHandler(logs.GlogSetter))
		if p.config.ComponentConfig.EnableContentionProfiling {
			goruntime.SetBlockProfileRate(1)
		}
	}
	if utilfeature.DefaultFeatureGate.Enabled(zpages.ComponentFlagz) && p.config.Flagz != nil {
		flagz.Install(paths, component, p.config.Flagz)
	}
	paths.HandlePrefix(answers.Root+"/", questions.NewServer(p.plugins, p.config.Authorization.Authorizer, p.leader))
	if utilfeature.DefaultFeatureGate.Enabled(zpages.ComponentStatusz) {
		statusz.Install(paths, component, statusz.NewRegistry(compatibility.DefaultBuildEffectiveVersion(),
			statusz.WithListedPaths(paths.ListedPaths())))
	}
	return paths
}

// leader returns the identity of the replica that leads, or "".
func (p *process) leader() string {
	if p.elector == nil {
		return ""
	}
	return p.elector.GetLeader()
}
