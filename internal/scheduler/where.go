package scheduler

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// whereAgain is how often the leader compares what its lease says with what holds: a certificate in a file may be replaced.
const whereAgain = 10 * time.Second

// sayWhere keeps the lease saying where this process answers, until the context ends. Who trusts the API server then trusts the certificate
// of the scheduler, which it may have made itself.
func (p *process) sayWhere(ctx context.Context) {
	said := ""
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		where, err := p.where()
		if err == nil && where != said {
			if err = p.annotateLease(ctx, where); err == nil {
				said = where
			}
		}
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Failed to say on the lease where the scheduler answers; retrying", "after", whereAgain)
		}
	}, whereAgain)
}

// where returns the value of the annotation.
func (p *process) where() (string, error) {
	address, err := p.address()
	if err != nil {
		return "", err
	}
	if p.config.SecureServing.Cert == nil {
		return "", errors.New("the process serves without a certificate")
	}
	certificate, _ := p.config.SecureServing.Cert.CurrentCertKeyContent()
	block, _ := pem.Decode(certificate)
	if block == nil {
		return "", errors.New("the certificate that the process serves with is not in PEM")
	}
	where, err := json.Marshal(answers.Where{
		Holder: p.config.LeaderElection.Lock.Identity(), URL: "https://" + address, Certificate: answers.Fingerprint(block.Bytes),
	})
	return string(where), err
}

// address returns the address at which others reach this process: that of the host or pod, if it listens on all.
func (p *process) address() (string, error) {
	listens, ok := p.config.SecureServing.Listener.Addr().(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("the process listens on %s, which is no TCP address", p.config.SecureServing.Listener.Addr())
	}
	ip := listens.IP
	if ip.IsUnspecified() {
		if host, err := utilnet.ResolveBindAddress(ip); err == nil {
			ip = host
		} else {
			ip = net.IPv4(127, 0, 0, 1) // a host without a network
		}
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(listens.Port)), nil
}

func (p *process) annotateLease(ctx context.Context, where string) error {
	election := &p.config.ComponentConfig.LeaderElection
	leases := p.config.Client.CoordinationV1().Leases(election.ResourceNamespace)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error { // the lease is renewed all the time
		lease, err := leases.Get(ctx, election.ResourceName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, answers.WhereAnnotation, where)
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("writing the annotation %s of the lease: %w", answers.WhereAnnotation, err)
	}
	return nil
}
