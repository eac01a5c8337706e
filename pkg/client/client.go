// Package client is a client of the REST API of kubenexus serve. oapi-codegen makes client.gen.go from docs/reference/openapi.json; the
// rest says who asks, and reads errors and watches.
package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Options say who asks, and whom.
type Options struct {
	// Token is a bearer token of Kubernetes, such as that of a service account.
	Token string
	// TokenFile is a file with the token, in place of Token. It is read for each request, because the tokens of pods are renewed.
	TokenFile string
	// CA has the certificate authorities of the server, as PEM. Without it, they are those of this machine.
	CA []byte
}

// New returns a client of the API at an address, such as https://kubenexus-serve.kube-system.svc. It has no timeouts: requests end with
// their contexts.
func New(address string, o Options) (*ClientWithResponses, error) {
	// A token must not be sent as plain text.
	if at, err := url.Parse(address); err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("the address is %q: it has to begin with https://", address)
	}
	if (o.Token == "") == (o.TokenFile == "") {
		return nil, errors.New("the requests need a token: give Token or TokenFile")
	}
	trusted := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.CA) > 0 {
		trusted.RootCAs = x509.NewCertPool()
		if !trusted.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("reading the certificate authorities in CA: there is no certificate as PEM")
		}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trusted, ForceAttemptHTTP2: true}
	return NewClientWithResponses(address, WithHTTPClient(&http.Client{Transport: transport}), WithRequestEditorFn(o.authorize))
}

// authorize puts the token into a request.
func (o Options) authorize(_ context.Context, r *http.Request) error {
	token := o.Token
	if o.TokenFile != "" {
		text, err := os.ReadFile(o.TokenFile)
		if err != nil {
			return fmt.Errorf("reading the token: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// Error is the problem in one sentence, with the fields that are wrong.
func (e *ErrorModel) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %s", e.Status, e.Detail)
	for _, field := range e.Errors {
		fmt.Fprintf(&text, "; %s: %s", field.Location, field.Message)
	}
	return text.String()
}

// Answer is what all answers have.
type Answer interface {
	StatusCode() int
	GetBody() []byte
}

// Check returns an answer of the API, or the problem in it as an *ErrorModel:
//
//	submitted, err := client.Check(api.SubmitWithResponse(ctx, "team-a", nil, request))
func Check[A Answer](answer A, err error) (A, error) {
	if err != nil {
		return answer, err
	}
	return answer, problemIn(answer.StatusCode(), answer.GetBody())
}

// problemIn returns the problem that a body is; nil if the request was served.
func problemIn(status int, body []byte) error {
	if status < http.StatusBadRequest {
		return nil
	}
	problem := &ErrorModel{}
	if err := json.Unmarshal(body, problem); err != nil || problem.Detail == "" {
		// It is not from the API, but from a proxy, say.
		problem = &ErrorModel{Status: int64(status), Detail: http.StatusText(status)}
	}
	return problem
}

// WatchEvent is an event of a watch.
type WatchEvent struct {
	// ID is for WatchParams.LastEventID, so that the next watch continues here. Not every event has one.
	ID string
	// Name is gang, gone or reset.
	Name string
	// Data is the Gang that changed, or only the key of one that is gone.
	Data Gang
}

// maxEvent is the maximum size of an event.
const maxEvent = 64 << 20

// Follow returns the events of a watch until it ends, and closes it. An error is the last one:
//
//	for event, err := range client.Follow(api.Watch(ctx, &client.WatchParams{Namespace: new("team-a")})) {
func Follow(answer *http.Response, err error) iter.Seq2[WatchEvent, error] {
	return func(yield func(WatchEvent, error) bool) {
		if err != nil {
			yield(WatchEvent{}, err)
			return
		}
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, maxEvent)
		if answer.StatusCode != http.StatusOK {
			lines.Scan()
			yield(WatchEvent{}, problemIn(answer.StatusCode, lines.Bytes()))
			return
		}
		for {
			event, more, err := next(lines)
			if err != nil {
				yield(WatchEvent{}, err)
				return
			}
			if !more || !yield(event, nil) {
				return
			}
		}
	}
}

// next reads an event. There are no more when the server ends the watch.
func next(lines *bufio.Scanner) (event WatchEvent, more bool, err error) {
	for lines.Scan() {
		field, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(field) {
		case "id":
			event.ID = string(value)
		case "event":
			event.Name = string(value)
		case "data":
			if event.Name == "problem" {
				return event, false, problemIn(http.StatusInternalServerError, value)
			}
			if err := json.Unmarshal(value, &event.Data); err != nil {
				return event, false, fmt.Errorf("reading an event of the watch: %w", err)
			}
		case "":
			if event.Name != "" {
				return event, true, nil
			}
		}
	}
	if err := lines.Err(); err != nil {
		return event, false, fmt.Errorf("reading the watch: %w", err)
	}
	return event, false, nil
}
