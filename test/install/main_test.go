// Package install tests the installation: the manifests and the chart apply without warnings, the scheduler works with the permissions that
// they grant and needs all of them, the guard rails refuse what the documentation says, and following the documentation word by word gives
// a working scheduler.
package install

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	"k8s.io/component-base/cli"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// patience is many times longer than any step takes on a slow machine.
const patience = time.Minute

// suite is what all tests share.
var suite struct {
	plane  *controlplane.ControlPlane
	client kubernetes.Interface
	// audit is the API server's audit log of the requests of the scheduler's service account.
	audit string
}

// auditPolicy logs each request's user and resource, and the authorization decision.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["` + account + `"]
- level: None
`

// writeCA writes the certificate of an authority, and discards its key.
func writeCA(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "front-proxy-ca"}, key)
	if err != nil {
		return err
	}
	pem, err := cert.EncodeCertificates(ca)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem, 0o600)
}

func TestMain(m *testing.M) {
	switch process.Kind() {
	case process.KubeNexus:
		os.Exit(scheduler.Main())
	case stock:
		os.Exit(cli.Run(newStockCommand()))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "install-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in the system's directory for temporary files
	policy := filepath.Join(dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	requestHeaderCA := filepath.Join(dir, "request-header-ca.crt")
	if err := writeCA(requestHeaderCA); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	suite.audit = filepath.Join(dir, "audit.log")
	plane, err := controlplane.Start(context.Background(), controlplane.Options{OwnKubelet: schedulerPods, APIServerArgs: []string{
		"--audit-policy-file=" + policy, "--audit-log-path=" + suite.audit,
		// Every cluster has it, and the scheduler reads it.
		"--requestheader-client-ca-file=" + requestHeaderCA, "--requestheader-allowed-names=front-proxy-client",
		// Some clusters enable it, and the scheduler then needs one more permission.
		"--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the control plane:", err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the control plane:", err)
		}
	}()
	suite.plane = plane
	suite.client = kubernetes.NewForConfigOrDie(plane.Config())
	return m.Run()
}
