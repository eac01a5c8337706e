package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"

	"github.com/spf13/pflag"
	apiservercompatibility "k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/compatibility"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
)

// loopback is where the API server listens if only this machine's processes
// need it.
const loopback = "127.0.0.1"

// startAPIServer starts kube-apiserver, on a free port unless kubelets join,
// creates the administrator's client and kubeconfig, and waits until the server
// is ready.
func (cp *ControlPlane) startAPIServer(etcdURL string, o Options, log io.Writer) error {
	where := net.JoinHostPort(loopback, "0")
	if o.RealNodes {
		where = net.JoinHostPort(ServiceAddress, "443")
	}
	listener, err := net.Listen("tcp", where)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	cp.onStop(func() error {
		// The server closes it, if it got that far.
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("close listener: %w", err)
		}
		return nil
	})
	address := listener.Addr().String()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("port of %s: %w", address, err)
	}

	pki, err := newPKI(cp.dir, net.ParseIP(host))
	if err != nil {
		return fmt.Errorf("create certificates: %w", err)
	}
	cp.pki = pki
	ofNodes := simulatedNodesArgs()
	if o.RealNodes {
		ofNodes = realNodesArgs(pki)
	}
	serve, err := cp.prepareAPIServer(o.APIServer, listener, log, slices.Concat([]string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=" + host,
		"--advertise-address=" + host,
		"--secure-port=" + port,
		"--tls-cert-file=" + pki.serverCert,
		"--tls-private-key-file=" + pki.serverKey,
		"--client-ca-file=" + pki.ca,
		"--requestheader-client-ca-file=" + pki.proxyCA,
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki.serviceAccountKey,
		"--service-account-signing-key-file=" + pki.serviceAccountKey,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--anonymous-auth=false",
		// A loopback address is not allowed in the Endpoints of the service
		// "kubernetes", and no pod is there to use it.
		"--endpoint-reconciler-type=none",
		// Without it, a client's open watch holds up Stop for a minute.
		"--shutdown-watch-termination-grace-period=1s",
	}, ofNodes, o.APIServerArgs))
	if err != nil {
		return err
	}

	cp.config = pki.adminConfig("https://" + address)
	if err := WriteKubeconfig(cp.Kubeconfig(), cp.config); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	cp.client, err = kubernetes.NewForConfig(cp.config)
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}

	cp.newGroup().run("kube-apiserver", serve)
	err = cp.waitFor(func(ctx context.Context) error {
		return cp.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return fmt.Errorf("wait for /readyz: %w", err)
	}
	return nil
}

// prepareAPIServer returns what runs the API server until its context ends: the
// one of this process, or a program if one is named.
func (cp *ControlPlane) prepareAPIServer(
	program string, listener net.Listener, log io.Writer, args []string,
) (serve func(context.Context) error, err error) {
	if program != "" {
		return func(ctx context.Context) error { return runProgram(ctx, program, listener, log, args) }, nil
	}
	completed, err := completeOptions(cp.ctx, listener, args)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return app.Run(ctx, completed) }, nil
}

// runProgram runs a kube-apiserver as a child until the context ends. It listens
// by itself, so the listener only kept its port free.
func runProgram(ctx context.Context, path string, listener net.Listener, log io.Writer, args []string) error {
	if err := listener.Close(); err != nil {
		return fmt.Errorf("free its port: %w", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	server, err := child.Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-server.Done():
		return server.Err()
	case <-ctx.Done():
		server.Stop(startTimeout)
		return nil
	}
}

// completeOptions does what the kube-apiserver command does between its start
// and app.Run, except for the signal handler and the logging flags, which
// belong to the process.
func completeOptions(ctx context.Context, listener net.Listener, args []string) (options.CompletedOptions, error) {
	var none options.CompletedOptions
	registry, err := newRegistry()
	if err != nil {
		return none, fmt.Errorf("reset feature gates: %w", err)
	}
	o := options.NewServerRunOptions()
	o.SecureServing.Listener = listener
	o.GenericServerRunOptions.ComponentGlobalsRegistry = registry

	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	sections := o.Flags()
	for _, section := range sections.FlagSets {
		flags.AddFlagSet(section)
	}
	if err := flags.Parse(args); err != nil {
		return none, fmt.Errorf("parse flags: %w", err)
	}
	if err := registry.Set(); err != nil {
		return none, fmt.Errorf("set feature gates and emulated version: %w", err)
	}
	completed, err := o.Complete(ctx)
	if err != nil {
		return none, fmt.Errorf("complete options: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return none, fmt.Errorf("validate options: %w", errors.Join(errs...))
	}
	return completed, nil
}

// newRegistry returns the process's registry of feature gates and versions,
// with everything at its default. It cannot be one of our own: parts of the API
// server, its storage and CEL among them, always use the process's.
func newRegistry() (versionRegistry, error) {
	registry := versionRegistry{apiservercompatibility.DefaultComponentGlobalsRegistry}
	gate := utilfeature.DefaultMutableFeatureGate
	for feature := range gate.GetAll() {
		if err := gate.ResetFeatureValueToDefault(feature); err != nil {
			return registry, err
		}
	}
	registry.Reset()
	version := apiservercompatibility.DefaultBuildEffectiveVersion()
	return registry, registry.Register(compatibility.DefaultKubeComponent, version, gate)
}
