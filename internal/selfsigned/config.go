package selfsigned

import (
	"crypto/tls"
	"fmt"
	"net"
)

// Config returns how to serve HTTPS at an address with a certificate that is made now.
func Config(name string, address net.Addr) (*tls.Config, error) {
	var ip net.IP
	if tcp, ok := address.(*net.TCPAddr); ok {
		ip = tcp.IP
	}
	certPEM, keyPEM, err := New(name, ip)
	if err != nil {
		return nil, fmt.Errorf("making a certificate to serve with: %w", err)
	}
	made, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("making a certificate to serve with: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{made}}, nil
}
