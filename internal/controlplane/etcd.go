package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd starts a single-member etcd and returns its client URL. It listens
// on a Unix socket: in a directory that is the user's own that needs neither
// certificates nor a search for a free port.
func (cp *ControlPlane) startEtcd(logPath string) (string, error) {
	clientURL := url.URL{Scheme: "unix", Path: filepath.Join(cp.dir, "etcd.sock")}
	c := embed.NewConfig()
	c.Dir = filepath.Join(cp.dir, "etcd")
	c.ListenClientUrls = []url.URL{clientURL}
	c.ListenPeerUrls = nil // there are no peers; advertised URLs are only names
	c.UnsafeNoFsync = true // nobody needs the data after a crash
	// A single member has nobody to wait for in its election.
	c.TickMs, c.ElectionMs = 10, 100
	c.LogLevel = "error"
	c.LogOutputs = []string{logPath}

	etcd, err := embed.StartEtcd(c)
	if err != nil {
		return "", fmt.Errorf("start in %s: %w", c.Dir, err)
	}
	cp.onStop(func() error {
		etcd.Close()
		return nil
	})

	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		return "", fmt.Errorf("serve %s: %w", clientURL.String(), err)
	case <-time.After(startTimeout):
		return "", fmt.Errorf("not ready after %v", startTimeout)
	case <-cp.ctx.Done():
		return "", context.Cause(cp.ctx)
	}

	cp.newGroup().run("etcd", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case err := <-etcd.Err():
			return err
		case <-etcd.Server.StopNotify():
			return errors.New("its server stopped")
		}
	})
	return clientURL.String(), nil
}
