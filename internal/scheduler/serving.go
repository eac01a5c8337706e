package scheduler

import (
	"context"
	"fmt"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/kubenexus/kubenexus-scheduler/internal/selfsigned"
)

// configWithServing is upstream's Options.Config, except for the certificate that the process makes if it has none: upstream
// looks for an RSA key, which takes as much CPU as scheduling a gang of 200.
func configWithServing(ctx context.Context, opts *scheduleroptions.Options) (*schedulerappconfig.Config, error) {
	serving := opts.SecureServing
	if serving == nil || serving.BindPort == 0 && serving.Listener == nil ||
		serving.ServerCert.CertDirectory != "" || serving.ServerCert.CertKey.CertFile != "" {
		return opts.Config(ctx)
	}
	opts.SecureServing = nil
	defer func() { opts.SecureServing = serving }()
	c, err := opts.Config(ctx)
	if err != nil {
		return nil, err
	}
	if serving.ServerCert.GeneratedCert, err = selfSigned(serving); err != nil {
		return nil, fmt.Errorf("making a certificate to serve metrics and health with: %w", err)
	}
	if err := serving.ApplyTo(&c.SecureServing); err != nil {
		return nil, err
	}
	if err := opts.Authentication.ApplyTo(&c.Authentication, c.SecureServing, nil); err != nil {
		return nil, err
	}
	return c, opts.Authorization.ApplyTo(&c.Authorization)
}

// selfSigned makes a certificate for localhost and the address that is served.
func selfSigned(serving *options.SecureServingOptions) (dynamiccertificates.CertKeyContentProvider, error) {
	certPEM, keyPEM, err := selfsigned.New(Name, serving.BindAddress)
	if err != nil {
		return nil, err
	}
	return dynamiccertificates.NewStaticCertKeyContent("self-signed certificate", certPEM, keyPEM)
}
