// Package tlsfiles reads the certificates that connectors' options name: --ca-file, --client-cert-file and --client-key-file,
// which its errors name, too.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Roots returns the authorities in a PEM file: beside those of the system, or in place of them.
func Roots(file string, besideSystem bool) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	roots := x509.NewCertPool()
	if besideSystem {
		if system, err := x509.SystemCertPool(); err == nil { // else it has none
			roots = system
		}
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca-file: %s holds no PEM certificate", file)
	}
	return roots, nil
}

// Config returns how to speak TLS, 1.2 or later, as a client. Each file may be empty: without caFile the system's authorities
// are trusted, without certFile the client shows no certificate. besideSystem is as in Roots.
func Config(caFile string, besideSystem bool, certFile, keyFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		roots, err := Roots(caFile, besideSystem)
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("--client-cert-file and --client-key-file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
