package scheduler

import (
	"fmt"
	"net"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/kubenexus/kubenexus-scheduler/internal/selfsigned"
)

// secureServing opens the port that the options name, and prepares its certificate, authentication and authorization. If the options
// name no certificate, the process makes one: upstream looks for an RSA key, which takes as much CPU as scheduling a gang of 200.
func secureServing(opts *scheduleroptions.Options, c *schedulerappconfig.Config) error {
	serving := opts.SecureServing
	if serving == nil || serving.BindPort == 0 && serving.Listener == nil {
		return nil
	}
	var err error
	if serving.ServerCert.CertDirectory == "" && serving.ServerCert.CertKey.CertFile == "" {
		serving.ServerCert.GeneratedCert, err = selfSigned(serving)
	} else {
		err = serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)})
	}
	if err != nil {
		return fmt.Errorf("making a certificate to serve metrics and health with: %w", err)
	}
	if err := serving.ApplyTo(&c.SecureServing); err != nil {
		return err
	}
	if err := opts.Authentication.ApplyTo(&c.Authentication, c.SecureServing, nil); err != nil {
		return err
	}
	return opts.Authorization.ApplyTo(&c.Authorization)
}

// selfSigned makes a certificate for localhost and the address that is served.
func selfSigned(serving *options.SecureServingOptions) (dynamiccertificates.CertKeyContentProvider, error) {
	certPEM, keyPEM, err := selfsigned.New(Name, serving.BindAddress)
	if err != nil {
		return nil, err
	}
	return dynamiccertificates.NewStaticCertKeyContent("self-signed certificate", certPEM, keyPEM)
}
