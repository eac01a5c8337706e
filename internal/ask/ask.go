// Package ask asks the scheduler that leads: it finds it by its lease, and asks over its secure port, with the asker's own credentials.
package ask

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

const (
	// maxAnswer is how many bytes of an answer are read.
	maxAnswer = 64 << 20
	// again is how long to wait before a question is asked once more, because another replica begins to lead.
	again = 500 * time.Millisecond
)

// Leases finds the leader by its lease.
type Leases struct {
	Client          coordinationclient.LeasesGetter
	Namespace, Name string
}

// Where returns where the leader answers.
func (l Leases) Where(ctx context.Context) (answers.Where, error) {
	lease, err := l.Client.Leases(l.Namespace).Get(ctx, l.Name, metav1.GetOptions{})
	if err != nil {
		return answers.Where{}, fmt.Errorf("looking up who leads: %w", err)
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return answers.Where{}, fmt.Errorf("no scheduler leads: nobody holds the lease %s/%s", l.Namespace, l.Name)
	}
	where, err := answers.ParseWhere(lease.Annotations[answers.WhereAnnotation], *lease.Spec.HolderIdentity)
	if err != nil {
		return where, fmt.Errorf("asking the scheduler: %w", err)
	}
	return where, nil
}

// Scheduler is the scheduler that is asked.
type Scheduler struct {
	// Where returns where to ask.
	Where func(context.Context) (answers.Where, error)
	// Transport returns what reaches the scheduler there. It closes the connection after each question, unless the caller keeps it.
	Transport func(answers.Where) (http.RoundTripper, error)
}

// WhatIf asks what would happen if pods were created. An error that the scheduler answers is an *answers.Problem.
func (s *Scheduler) WhatIf(ctx context.Context, question answers.WhatIf) (answers.Forecast, error) {
	var f answers.Forecast
	err := s.ask(ctx, http.MethodPost, answers.WhatIfPath, question, &f)
	return f, err
}

// Queues asks for the queues.
func (s *Scheduler) Queues(ctx context.Context) (answers.Queues, error) {
	var q answers.Queues
	err := s.ask(ctx, http.MethodGet, answers.QueuesPath, nil, &q)
	return q, err
}

// Gangs asks for the gangs of a namespace, or of all if it is empty; with a name, for those that have it.
func (s *Scheduler) Gangs(ctx context.Context, namespace, name string) (answers.Gangs, error) {
	query := url.Values{}
	if namespace != "" {
		query.Set("namespace", namespace)
	}
	if name != "" {
		query.Set("name", name)
	}
	var g answers.Gangs
	err := s.ask(ctx, http.MethodGet, answers.GangsPath+"?"+query.Encode(), nil, &g)
	return g, err
}

// Order asks for the gangs of a namespace, or of all if it is empty, that wait, in the order in which they would start.
func (s *Scheduler) Order(ctx context.Context, namespace string) (answers.Order, error) {
	var o answers.Order
	err := s.ask(ctx, http.MethodGet, answers.OrderPath+ofNamespace(namespace), nil, &o)
	return o, err
}

// Nodes asks for the nodes, with the gangs of a namespace, or of all that the asker may see if it is empty.
func (s *Scheduler) Nodes(ctx context.Context, namespace string) (answers.Nodes, error) {
	var n answers.Nodes
	err := s.ask(ctx, http.MethodGet, answers.NodesPath+ofNamespace(namespace), nil, &n)
	return n, err
}

// ofNamespace is the query for a namespace, or for all if it is empty.
func ofNamespace(namespace string) string {
	if namespace == "" {
		return ""
	}
	return "?" + url.Values{"namespace": {namespace}}.Encode()
}

// ask asks, and once more if the leader has just changed.
func (s *Scheduler) ask(ctx context.Context, method, path string, question, into any) error {
	err := s.askOnce(ctx, method, path, question, into)
	problem, answered := errors.AsType[*answers.Problem](err)
	if err == nil || ctx.Err() != nil || answered && (problem.Status != http.StatusServiceUnavailable || problem.Leader == "") {
		return err
	}
	select {
	case <-ctx.Done():
		return err
	case <-time.After(again):
	}
	return s.askOnce(ctx, method, path, question, into)
}

func (s *Scheduler) askOnce(ctx context.Context, method, path string, question, into any) error {
	where, err := s.Where(ctx)
	if err != nil {
		return err
	}
	transport, err := s.Transport(where)
	if err != nil {
		return fmt.Errorf("preparing to ask the scheduler at %s: %w", where.URL, err)
	}
	var body io.Reader
	if question != nil {
		text, err := json.Marshal(question)
		if err != nil {
			return fmt.Errorf("writing the question: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, where.URL+path, body)
	if err != nil {
		return fmt.Errorf("preparing to ask the scheduler at %s: %w", where.URL, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return fmt.Errorf("asking the scheduler at %s: %w", where.URL, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of the scheduler at %s: %w", where.URL, err)
	}
	return read(response, text, into)
}

// read reads an answer.
func read(response *http.Response, text []byte, into any) error {
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("the scheduler's answer is not the expected JSON: %w", err)
		}
		return nil
	}
	problem := &answers.Problem{}
	if json.Unmarshal(text, problem) == nil && problem.Status == response.StatusCode {
		return problem
	}
	var status metav1.Status // of authentication and authorization
	if json.Unmarshal(text, &status) == nil && status.Message != "" {
		return &answers.Problem{Title: http.StatusText(response.StatusCode), Status: response.StatusCode, Detail: status.Message}
	}
	return &answers.Problem{
		Title: http.StatusText(response.StatusCode), Status: response.StatusCode,
		Detail: fmt.Sprintf("the scheduler answered %.200q", text),
	}
}

// Trust returns a TLS configuration that trusts the certificate with this fingerprint, and no other.
func Trust(base *tls.Config, fingerprint string) *tls.Config {
	if base == nil {
		base = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	trusting := base.Clone()
	trusting.InsecureSkipVerify = true // what VerifyConnection does instead is stricter, and not left out when a session is resumed
	trusting.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 || answers.Fingerprint(state.PeerCertificates[0].Raw) != fingerprint {
			return errors.New("its certificate is not the one that its lease names")
		}
		return nil
	}
	return trusting
}
