// Package controlplane runs a Kubernetes control plane in the current process:
// etcd, kube-apiserver, a choice of kube-controller-manager's controllers and
// simulated nodes. It serves demonstrations, scenario tests and benchmarks. It
// needs no privileges, listens on the loopback interface only, and keeps all
// its files in one temporary directory that Stop removes. There is no
// scheduler in it.
//
// # Nodes and pods
//
// Unless kubelets join ([Options], RealNodes), every Node object is a simulated
// node: there are no machines and no containers. A pod that is bound to a node
// becomes Running at once, and one that is deleted goes away at once. A pod
// stays Running forever, a Job's pod included, unless it has the annotation
// [RunForAnnotation]: then its containers exit with code 0 after that time. No
// node lifecycle controller runs: nodes become NotReady or tainted only if
// somebody makes them so.
//
// # Global state
//
// Kubernetes keeps some settings in package variables, so one control plane
// at a time can run in a process, and these affect everything in it:
//   - klog. Its output goes to the log file from Start to Stop, whoever logs;
//   - feature gates and the emulated version. Start sets them to their defaults
//     and what Options.APIServerArgs says (--feature-gates, --emulated-version).
//     That applies to the process's other Kubernetes components too, such as a
//     scheduler, and outlives Stop. With Options.APIServer, Start leaves them alone.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// startTimeout is many times what a start takes on a slow machine.
const startTimeout = time.Minute

// errStopped is the cause with which Stop cancels a control plane.
var errStopped = errors.New("control plane stopped")

// Options are the settings of a control plane. The zero value is useful.
type Options struct {
	// Dir is the parent of the control plane's temporary directory; "" means
	// os.TempDir(). It has to be short: the path of a Unix socket below it may
	// not exceed some 100 characters.
	Dir string
	// LogFile receives the log of all components; "" means controlplane.log in
	// the temporary directory, which Stop removes.
	LogFile string
	// APIServer is the path of a kube-apiserver program, such as one of another
	// version; "" means the one in this process.
	APIServer string
	// APIServerArgs are further flags of kube-apiserver.
	APIServerArgs []string
	// Bare leaves out the controllers and the simulated kubelets, for
	// benchmarks of schedulers: they answer every bound pod with requests of
	// their own. A pod that is bound stays as it is, one that is deleted goes
	// only with a grace period of 0, and nobody creates service accounts.
	Bare bool
	// OwnKubelet selects pods and nodes, by their labels, whose status the
	// simulated kubelets leave alone: the caller is their kubelet. "" selects
	// none.
	OwnKubelet string
	// RealNodes simulates no kubelets: real ones join, with the credentials of
	// NodeConfig. The API server listens at ServiceAddress, which an interface
	// of this machine must have, and the controllers run that real nodes need.
	RealNodes bool
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	dir    string
	config *rest.Config
	client kubernetes.Interface
	pki    *pki

	// ctx ends when the control plane has to: by Stop, with the context given
	// to Start, or because a component failed. Its cause says why.
	ctx    context.Context
	cancel context.CancelCauseFunc

	// stops undoes what Start did; the last entry has to be called first.
	stops    []func() error
	stopOnce sync.Once
	stopErr  error
}

// Start starts a control plane and returns when pods can be created in the
// namespace "default". The control plane runs until ctx ends or Stop is called.
// Do not end ctx before Start returns: upstream ends the whole process when an
// API server is stopped before it is ready.
func Start(ctx context.Context, o Options) (_ *ControlPlane, err error) {
	cp := &ControlPlane{}
	cp.ctx, cp.cancel = context.WithCancelCause(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start control plane: %w", err), cp.Stop())
		}
	}()

	cp.dir, err = os.MkdirTemp(o.Dir, "kubenexus-")
	if err != nil {
		return nil, fmt.Errorf("create temporary directory: %w", err)
	}
	cp.onStop(func() error { return os.RemoveAll(cp.dir) })

	logPath := o.LogFile
	if logPath == "" {
		logPath = filepath.Join(cp.dir, "controlplane.log")
	}
	log, err := redirectLogs(logPath)
	if err != nil {
		return nil, err
	}
	cp.onStop(log.restore)

	etcdURL, err := cp.startEtcd(logPath)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	if err := cp.startAPIServer(etcdURL, o, log.file); err != nil {
		return nil, fmt.Errorf("kube-apiserver: %w", err)
	}
	if o.Bare {
		err = cp.awaitNamespace()
	} else {
		err = cp.startRest(log.file, o)
	}
	if err != nil {
		return nil, err
	}

	context.AfterFunc(cp.ctx, func() { _ = cp.Stop() }) // Stop keeps its error
	return cp, nil
}

// startRest starts what makes a cluster of an API server.
func (cp *ControlPlane) startRest(log io.Writer, o Options) error {
	if err := cp.startControllers(o.RealNodes); err != nil {
		return fmt.Errorf("controllers: %w", err)
	}
	if !o.RealNodes {
		if err := cp.startSimulator(log, o.OwnKubelet); err != nil {
			return fmt.Errorf("simulated nodes: %w", err)
		}
	}
	// The service account is the last thing that a pod needs, and the first
	// that takes all of etcd, API server and controllers to be there.
	err := cp.waitFor(func(ctx context.Context) error {
		_, err := cp.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the default service account: %w", err)
	}
	return nil
}

// awaitNamespace waits for the last thing that the API server makes by itself.
func (cp *ControlPlane) awaitNamespace() error {
	err := cp.waitFor(func(ctx context.Context) error {
		_, err := cp.client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the default namespace: %w", err)
	}
	return nil
}

// Config returns a client configuration of an administrator without client-side
// rate limit. The caller owns it.
func (cp *ControlPlane) Config() *rest.Config { return rest.CopyConfig(cp.config) }

// Kubeconfig returns the path of an administrator's kubeconfig file.
func (cp *ControlPlane) Kubeconfig() string { return filepath.Join(cp.dir, "kubeconfig") }

// Done is closed when the control plane stops or is about to, whatever the reason.
func (cp *ControlPlane) Done() <-chan struct{} { return cp.ctx.Done() }

// Err says why Done is closed: nil while the control plane runs and after Stop,
// else which component failed, or the cause with which Start's context ended.
func (cp *ControlPlane) Err() error {
	if err := context.Cause(cp.ctx); !errors.Is(err, errStopped) {
		return err
	}
	return nil
}

// Stop stops all components, waits for them and removes the temporary
// directory. Further calls do nothing and return the same error.
func (cp *ControlPlane) Stop() error {
	cp.cancel(errStopped)
	cp.stopOnce.Do(func() {
		var errs []error
		for _, stop := range slices.Backward(cp.stops) {
			errs = append(errs, stop())
		}
		if err := errors.Join(errs...); err != nil {
			cp.stopErr = fmt.Errorf("stop control plane: %w", err)
		}
	})
	return cp.stopErr
}

func (cp *ControlPlane) onStop(f func() error) { cp.stops = append(cp.stops, f) }

// newGroup returns a group that Stop stops at this point of the sequence.
func (cp *ControlPlane) newGroup() *group {
	// Not derived from cp.ctx: components have to stop in order, or those that
	// stop late report errors about those that stopped early.
	ctx, cancel := context.WithCancel(context.WithoutCancel(cp.ctx))
	g := &group{ctx: ctx, fail: cp.cancel}
	cp.onStop(func() error {
		cancel()
		g.wg.Wait()
		return nil
	})
	return g
}

// waitFor calls check until it succeeds or the control plane is stopped.
func (cp *ControlPlane) waitFor(check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(cp.ctx, startTimeout)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w (last answer: %w)", context.Cause(ctx), last)
	}
	return nil
}

// group is a set of goroutines that are stopped together. One that returns
// earlier stops the control plane.
type group struct {
	ctx  context.Context
	fail context.CancelCauseFunc
	wg   sync.WaitGroup
}

func (g *group) run(name string, f func(context.Context) error) {
	g.wg.Go(func() {
		err := f(g.ctx)
		if g.ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("it returned without an error")
		}
		g.fail(fmt.Errorf("%s stopped by itself: %w", name, err))
	})
}
