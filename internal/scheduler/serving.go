package scheduler

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// certificateLife is how long a certificate is good that the process makes for itself.
const certificateLife = 365 * 24 * time.Hour

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
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: Name},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(certificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if !serving.BindAddress.IsUnspecified() {
		template.IPAddresses = append(template.IPAddresses, serving.BindAddress)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	certPEM, err := cert.EncodeCertificates(made)
	if err != nil {
		return nil, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return dynamiccertificates.NewStaticCertKeyContent("self-signed certificate", certPEM, keyPEM)
}
