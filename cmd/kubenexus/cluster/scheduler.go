package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

// reachable is how long it may take to connect to the address of the scheduler, before it is asked through the API server.
const reachable = time.Second

// SchedulerOptions say where the scheduler is that is to be asked.
type SchedulerOptions struct {
	lease, url, ca string
}

// AddFlags adds the flags for the options to those of a command.
func (o *SchedulerOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.lease, "lease", "kube-system/"+scheduler.Name, "the lease of the scheduler that is to be asked, as namespace/name")
	flags.StringVar(&o.url, "scheduler-url", "",
		"ask the scheduler at this address, such as https://127.0.0.1:10259, instead of where its lease says that it answers")
	flags.StringVar(&o.ca, "scheduler-certificate-authority", "",
		"the file with the certificate authority of the scheduler; only with --scheduler-url")
}

// Scheduler returns the scheduler to ask, with the credentials of the user.
func (o *Options) Scheduler(s SchedulerOptions) (*ask.Scheduler, error) {
	config, err := o.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("finding out how to reach the cluster: %w", err)
	}
	own, err := rest.TLSConfigFor(config) // the certificate of the user, if there is one
	if err != nil {
		return nil, fmt.Errorf("reading the user's certificate: %w", err)
	}
	if own == nil {
		own = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	own.NextProtos = nil
	if s.url != "" {
		return fixed(config, own, s)
	}
	namespace, name, found := strings.Cut(s.lease, "/")
	if !found {
		return nil, fmt.Errorf("--lease is %q: write it as namespace/name, such as kube-system/%s", s.lease, scheduler.Name)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the cluster: %w", err)
	}
	tunnel := &tunnel{config: config, namespace: namespace}
	leases := ask.Leases{Client: client.CoordinationV1(), Namespace: namespace, Name: name}
	return &ask.Scheduler{Where: leases.Where, Transport: func(where answers.Where) (http.RoundTripper, error) {
		own.ServerName = ""
		return rest.HTTPWrappersForConfig(config, &http.Transport{
			TLSClientConfig: ask.Trust(own, where.Certificate),
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				return tunnel.dial(ctx, where, address)
			},
			// each question has a connection of its own
			DisableKeepAlives: true,
		})
	}}, nil
}

// fixed returns a scheduler with a known address.
func fixed(config *rest.Config, own *tls.Config, s SchedulerOptions) (*ask.Scheduler, error) {
	address, err := url.Parse(s.url)
	if err != nil || address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("--scheduler-url is %q: write it like https://127.0.0.1:10259", s.url)
	}
	own.ServerName, own.RootCAs, own.InsecureSkipVerify = "", nil, false
	if s.ca == "" {
		return nil, errors.New("--scheduler-url needs --scheduler-certificate-authority: the user's credentials are sent there")
	}
	text, err := os.ReadFile(s.ca)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority of the scheduler: %w", err)
	}
	if own.RootCAs = x509.NewCertPool(); !own.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--scheduler-certificate-authority: %s has no certificate in PEM", s.ca)
	}
	transport, err := rest.HTTPWrappersForConfig(config, &http.Transport{TLSClientConfig: own, DisableKeepAlives: true})
	if err != nil {
		return nil, fmt.Errorf("preparing to ask %s: %w", s.url, err)
	}
	return &ask.Scheduler{
		Where: func(context.Context) (answers.Where, error) {
			return answers.Where{URL: strings.TrimSuffix(s.url, "/")}, nil
		},
		Transport: func(answers.Where) (http.RoundTripper, error) { return transport, nil },
	}, nil
}
