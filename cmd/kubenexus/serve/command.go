// Package serve is the part of the kubenexus command that serves the REST API.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubenexus/kubenexus-scheduler/internal/page"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
	"github.com/kubenexus/kubenexus-scheduler/internal/version"
)

// options are what the user asks for.
type options struct {
	listen     string
	kubeconfig string
	certFile   string
	keyFile    string
	schedulers []string
	lease      string
	queues     string
	page       bool
	prometheus rest.Prometheus
	limits     rest.Limits
}

// NewCommand returns the command that serves the REST API.
func NewCommand() *cobra.Command {
	o := options{limits: rest.DefaultLimits()}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a REST API and a web page: submit gangs, and see why they wait",
		Long: `serve answers HTTP requests that submit gangs, list and cancel them, and ask why they wait. /openapi.json describes it. A
browser sees the same at /: who waits and why, what runs where, and whose turn it is.

It has no rights of its own. Each request under /api/v1 needs a bearer token of Kubernetes, such as that of a service account, and is
made at the API server with this token: who may create Jobs there may submit gangs here. The kubeconfig says where the API server is;
without it, it is that of the cluster that serve runs in. Credentials in the kubeconfig are not used.

It keeps nothing, so several replicas can serve. Without a certificate it makes one, which callers cannot verify: give it one with
--tls-cert-file and --tls-private-key-file. When the files change, the new certificate counts.

Exit codes: 0 after SIGTERM or SIGINT; 1 if it could not serve.`,
		Example: `  # in a cluster
  kubenexus serve --listen :8443 --tls-cert-file /tls/tls.crt --tls-private-key-file /tls/tls.key

  # on your machine, for the cluster of your kubeconfig
  kubenexus serve --listen 127.0.0.1:8443 --kubeconfig ~/.kube/config
  curl -k -H "Authorization: Bearer $(kubectl create token default)" https://127.0.0.1:8443/api/v1/gangs?namespace=default`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", ":8443", "the address to serve on")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "",
		"the kubeconfig that says where the API server is; without it, the cluster that this runs in")
	flags.StringVar(&o.certFile, "tls-cert-file", "", "the certificate to serve with; without it, one is made")
	flags.StringVar(&o.keyFile, "tls-private-key-file", "", "the private key of the certificate")
	flags.StringSliceVar(&o.schedulers, "scheduler-names", scheduler.Names(), "the schedulerNames that KubeNexus serves in this cluster")
	flags.StringVar(&o.lease, "lease", "kube-system/"+scheduler.Name, "the lease of the scheduler that is asked, as namespace/name")
	flags.StringVar(&o.queues, "configmap", "kube-system/"+queueconfig.DefaultName,
		"the ConfigMap with the configuration of queues, as namespace/name")
	flags.BoolVar(&o.page, "page", true, "serve the web page at /, which shows who waits and why, and asks for a token")
	flags.StringVar(&o.prometheus.URL, "prometheus", "",
		"the URL of the Prometheus that has the scheduler's metrics, such as http://prometheus.monitoring:9090, for the history of queues")
	flags.StringVar(&o.prometheus.TokenFile, "prometheus-token-file", "",
		"a file with the bearer token for that Prometheus, if it needs one")
	flags.Float64Var(&o.limits.RequestsPerSecond, "requests-per-second", o.limits.RequestsPerSecond,
		"how many requests a caller may make a second")
	flags.IntVar(&o.limits.Burst, "burst", o.limits.Burst, "how many requests a caller may make at once")
	flags.IntVar(&o.limits.InFlight, "max-requests-in-flight", o.limits.InFlight, "how many requests are served at a time")
	flags.IntVar(&o.limits.Watches, "max-watches", o.limits.Watches, "how many watches there are at a time, besides")
	flags.IntVar(&o.limits.WatchesPerCaller, "max-watches-per-caller", o.limits.WatchesPerCaller,
		"how many watches a caller can have at a time")
	return cmd
}

// check refuses options that cannot be followed.
func (o *options) check() error {
	switch {
	case (o.certFile == "") != (o.keyFile == ""):
		return errors.New("--tls-cert-file and --tls-private-key-file go together: give both, or none")
	case o.limits.RequestsPerSecond <= 0 || o.limits.Burst < 1:
		return errors.New("--requests-per-second and --burst must be above 0")
	case o.limits.InFlight < 1 || o.limits.Watches < 1 || o.limits.WatchesPerCaller < 1:
		return errors.New("--max-requests-in-flight, --max-watches and --max-watches-per-caller must be above 0")
	case o.prometheus.URL == "" && o.prometheus.TokenFile != "":
		return errors.New("--prometheus-token-file is for --prometheus: give both, or only that")
	}
	return nil
}

// caFile is where a pod has the certificate authority of its API server.
const caFile = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

// apiServer says where the API server is. In a cluster it needs no token, because each request has that of its caller.
func (o *options) apiServer() (*clientrest.Config, error) {
	if o.kubeconfig != "" {
		return clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	}
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("this is no pod of a cluster: give --kubeconfig")
	}
	if _, err := os.Stat(caFile); err != nil {
		return nil, fmt.Errorf("reading the certificate authority of the API server: %w", err)
	}
	return &clientrest.Config{
		Host: "https://" + net.JoinHostPort(host, port), TLSClientConfig: clientrest.TLSClientConfig{CAFile: caFile},
	}, nil
}

// named reads what is written as namespace/name.
func named(flag, value, usual string) (types.NamespacedName, error) {
	namespace, name, found := strings.Cut(value, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, fmt.Errorf("%s is %q: write it as namespace/name, such as kube-system/%s", flag, value, usual)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

func (o *options) run(ctx context.Context, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	lease, err := named("--lease", o.lease, scheduler.Name)
	if err != nil {
		return err
	}
	queues, err := named("--configmap", o.queues, queueconfig.DefaultName)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config, err := o.apiServer()
	if err != nil {
		return fmt.Errorf("finding out where the API server is: %w", err)
	}
	var site *page.Page
	if o.page {
		if site, err = page.New(); err != nil {
			return err
		}
	}
	api, err := rest.New(rest.Options{
		APIServer: config, SchedulerNames: o.schedulers, Version: version.String(), Limits: o.limits,
		Lease: lease, Queues: queues, Page: site, Prometheus: o.prometheus,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listening on --listen %s: %w", o.listen, err)
	}
	certificate, err := o.certificate(ctx, listener.Addr())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(out, "Serving https://%s for the cluster at %s\n", listener.Addr(), config.Host)
	return api.ServeTLS(ctx, listener, certificate)
}
