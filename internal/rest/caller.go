package rest

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
)

// caller is who makes a request.
type caller struct {
	token string
	// accepted is called when the API server accepted the token.
	accepted func()
}

type callerKey struct{}

func withCaller(ctx context.Context, c *caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}

// errNoCaller is a mistake in this program: something asks the API server for nobody.
var errNoCaller = errors.New("a request to the API server without a caller")

// asCaller sends each request to the API server with the token of the caller in its context. All callers share the connections.
type asCaller struct{ next http.RoundTripper }

// RoundTrip sends the request.
func (t asCaller) RoundTrip(r *http.Request) (*http.Response, error) {
	c := callerOf(r.Context())
	if c == nil || c.token == "" {
		if r.Body != nil {
			r.Body.Close() // as a RoundTripper has to
		}
		return nil, errNoCaller
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := t.next.RoundTrip(r)
	if err == nil && c.accepted != nil && tells(answer.StatusCode) {
		c.accepted()
	}
	return answer, err
}

// tells reports whether a status says that the token is one that the API server knows.
func tells(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusUnauthorized && status != http.StatusTooManyRequests
}

// tokenOf returns the bearer token of a request, empty if it has none that can be one.
func tokenOf(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken || strings.ContainsFunc(token, notOfToken) {
		return ""
	}
	return token
}

// maxToken is the maximum length of a token.
const maxToken = 16 << 10

// notOfToken reports whether a character cannot be in a token (RFC 6750).
func notOfToken(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/=", c)
}

// fingerprint is how a token is remembered: not as it is.
type fingerprint [sha256.Size]byte

func fingerprintOf(token string) fingerprint { return sha256.Sum256([]byte(token)) }
