package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// pki is the key material of one control plane.
type pki struct {
	ca, proxyCA, serverCert, serverKey, serviceAccountKey, adminCertFile, adminKeyFile string // files

	caPEM, adminCert, adminKey []byte

	// authority and authorityKey issue the certificates of clients.
	authority    *x509.Certificate
	authorityKey *ecdsa.PrivateKey
}

// newPKI creates a certificate authority, certificates of the API server and of
// an administrator, and the key that signs service account tokens.
func newPKI(dir string, serverIP net.IP) (*pki, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate CA key: %w", err)
	}
	caCert, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "kubenexus-ca"}, caKey)
	if err != nil {
		return nil, fmt.Errorf("create CA certificate: %w", err)
	}
	proxyCA, err := newProxyCA()
	if err != nil {
		return nil, fmt.Errorf("create the CA of proxies: %w", err)
	}
	serverCert, serverKey, err := issue(caCert, caKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{serverIP},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
	})
	if err != nil {
		return nil, fmt.Errorf("create server certificate: %w", err)
	}
	adminCert, adminKey, err := issue(caCert, caKey, client("kubenexus-admin", user.SystemPrivilegedGroup))
	if err != nil {
		return nil, fmt.Errorf("create administrator's certificate: %w", err)
	}
	serviceAccountKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return nil, fmt.Errorf("generate service account key: %w", err)
	}
	caPEM, err := cert.EncodeCertificates(caCert)
	if err != nil {
		return nil, fmt.Errorf("encode CA certificate: %w", err)
	}

	p := &pki{
		ca:                filepath.Join(dir, "ca.crt"),
		proxyCA:           filepath.Join(dir, "front-proxy-ca.crt"),
		serverCert:        filepath.Join(dir, "apiserver.crt"),
		serverKey:         filepath.Join(dir, "apiserver.key"),
		serviceAccountKey: filepath.Join(dir, "service-account.key"),
		adminCertFile:     filepath.Join(dir, "admin.crt"),
		adminKeyFile:      filepath.Join(dir, "admin.key"),
		caPEM:             caPEM,
		adminCert:         adminCert,
		adminKey:          adminKey,
		authority:         caCert,
		authorityKey:      caKey,
	}
	for path, data := range map[string][]byte{
		p.ca:                caPEM,
		p.proxyCA:           proxyCA,
		p.serverCert:        serverCert,
		p.serverKey:         serverKey,
		p.serviceAccountKey: serviceAccountKey,
		p.adminCertFile:     adminCert,
		p.adminKeyFile:      adminKey,
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// newProxyCA returns a certificate authority for proxies that authenticate users to API servers. There are none, but what delegates
// authentication to this API server waits for one.
func newProxyCA() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "kubenexus-front-proxy-ca"}, key)
	if err != nil {
		return nil, err
	}
	return cert.EncodeCertificates(ca)
}

// issue completes the template to a certificate with a key of its own and
// returns both in PEM.
func issue(ca *x509.Certificate, caKey *ecdsa.PrivateKey, template *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore = ca.NotBefore
	template.NotAfter = time.Now().AddDate(1, 0, 0)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	certPEM, err = cert.EncodeCertificates(issued)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err = keyutil.MarshalPrivateKeyToPEM(key)
	return certPEM, keyPEM, err
}

// client returns the certificate that a client needs who is that user in that
// group.
func client(name, group string) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{group}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// adminConfig returns a client configuration of the administrator.
func (p *pki) adminConfig(host string) *rest.Config {
	return &rest.Config{
		Host:            host,
		TLSClientConfig: rest.TLSClientConfig{CAData: p.caPEM, CertData: p.adminCert, KeyData: p.adminKey},
		QPS:             -1, // the server has its own flow control
	}
}

// WriteKubeconfig writes the configuration to a file, in the form that kubectl
// and kubelets read.
func WriteKubeconfig(path string, c *rest.Config) error {
	const name = "kubenexus"
	k := clientcmdapi.NewConfig()
	k.Clusters[name] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthorityData: c.CAData}
	k.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: c.CertData, ClientKeyData: c.KeyData}
	k.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	k.CurrentContext = name
	return clientcmd.WriteToFile(*k, path)
}
