package demo

import (
	"bytes"
	"context"
	_ "embed" // the reader's rights
	"fmt"
	"net"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientrest "k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/demo/view"
	"github.com/kubenexus/kubenexus-scheduler/internal/page"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
	"github.com/kubenexus/kubenexus-scheduler/internal/selfsigned"
	"github.com/kubenexus/kubenexus-scheduler/internal/version"
)

// reader is the service account that signs in, with its rights.
//
//go:embed reader.yaml
var reader []byte

const (
	readerName = "reader"
	// tokenLife is how long the reader's token is good.
	tokenLife = 24 * time.Hour
)

// site is the web page of the demo's cluster.
type site struct {
	url, token string

	cancel context.CancelFunc
	// done is closed when nothing is served anymore; err then says whether it could not be stopped well.
	done chan struct{}
	err  error
}

// startSite serves the page for the API server of a config, and says where it is and how to sign in.
func (d *demo) startSite(ctx context.Context, config *clientrest.Config) error {
	end := d.screen.Begin("Starting the web page")
	token, err := d.createReader(ctx)
	if err != nil {
		return err
	}
	if d.site, err = d.serve(ctx, config); err != nil {
		return fmt.Errorf("starting the web page: %w", err)
	}
	d.site.token = token
	end()
	d.site.say(d.screen)
	return nil
}

// createReader creates the service account that may see everything, and returns a token of it.
func (d *demo) createReader(ctx context.Context) (string, error) {
	infos, err := d.manifests.read(bytes.NewReader(reader), "the rights of the page's reader")
	if err != nil {
		return "", err
	}
	if err := createAll(ctx, infos); err != nil {
		return "", err
	}
	seconds := int64(tokenLife.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	made, err := d.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).CreateToken(ctx, readerName, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("creating a token of service account %s: %w", readerName, err)
	}
	return made.Status.Token, nil
}

// serve starts what kubenexus serve does. It ends when it is stopped, and if it fails, the demo does.
func (d *demo) serve(ctx context.Context, config *clientrest.Config) (*site, error) {
	files, err := page.New()
	if err != nil {
		return nil, err
	}
	api, err := rest.New(rest.Options{
		APIServer: config, SchedulerNames: schedulerNames(), Version: version.String(), Limits: rest.DefaultLimits(), Page: files,
		Lease:  types.NamespacedName{Namespace: metav1.NamespaceSystem, Name: scheduler.Name},
		Queues: types.NamespacedName{Namespace: metav1.NamespaceSystem, Name: queueconfig.DefaultName},
	})
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on 127.0.0.1: %w", err)
	}
	certificate, err := selfsigned.Config("kubenexus-demo", listener.Addr())
	if err != nil {
		_ = listener.Close() // the error before counts
		return nil, err
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &site{url: "https://" + listener.Addr().String(), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		err := api.ServeTLS(serving, listener, certificate)
		if serving.Err() != nil {
			s.err = err
		} else {
			d.fail(fmt.Errorf("the web page: %w", err))
		}
	}()
	return s, nil
}

// say writes where the page is, and how to sign in.
func (s *site) say(screen *view.Screen) {
	screen.Heading("The web page of this cluster (your browser does not know its certificate):")
	screen.Say("  " + s.url)
	screen.Say("Sign in with this token, which may see everything:")
	screen.Verbatim(s.token)
}

// ended is closed when the page is served no more. It may be nil.
func (s *site) ended() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.done
}

// stop ends the page, and waits for it.
func (s *site) stop() error {
	s.cancel()
	<-s.done
	return s.err
}
