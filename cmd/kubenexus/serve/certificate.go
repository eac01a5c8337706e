package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"

	"github.com/kubenexus/kubenexus-scheduler/internal/selfsigned"
)

// certificate returns how to serve TLS: with the files of the options, which may change, or with a certificate made here.
func (o *options) certificate(ctx context.Context, address net.Addr) (*tls.Config, error) {
	if o.certFile == "" {
		return selfsigned.Config("kubenexus-serve", address)
	}
	files, err := dynamiccertificates.NewDynamicServingContentFromFiles("serving-cert", o.certFile, o.keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading --tls-cert-file and --tls-private-key-file: %w", err)
	}
	go files.Run(ctx, 1)
	current := &reloaded{from: files}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: current.get,
	}, nil
}

// reloaded is the certificate that files have at the moment. It is parsed once.
type reloaded struct {
	from dynamiccertificates.CertKeyContentProvider

	mu                sync.Mutex
	certPEM, keyPEM   []byte
	certificateOfThem *tls.Certificate
}

func (r *reloaded) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	certPEM, keyPEM := r.from.CurrentCertKeyContent()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.certificateOfThem != nil && bytes.Equal(certPEM, r.certPEM) && bytes.Equal(keyPEM, r.keyPEM) {
		return r.certificateOfThem, nil
	}
	parsed, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate to serve with: %w", err)
	}
	r.certPEM, r.keyPEM, r.certificateOfThem = certPEM, keyPEM, &parsed
	return r.certificateOfThem, nil
}
