package client_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/pkg/client"
)

// serve returns a client of a server that answers all requests alike.
func serve(t *testing.T, answer http.HandlerFunc, change func(*client.Options)) *client.ClientWithResponses {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	options := client.Options{
		Token: "t", CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}
	if change != nil {
		change(&options)
	}
	api, err := client.New(server.URL, options)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name, address string
		options       client.Options
		says          string
	}{
		{"plain text", "http://example.com", client.Options{Token: "t"}, "https://"},
		{"no address", "", client.Options{Token: "t"}, "https://"},
		{"no token", "https://example.com", client.Options{}, "Token"},
		{"two tokens", "https://example.com", client.Options{Token: "t", TokenFile: "f"}, "Token"},
		{"no certificate", "https://example.com", client.Options{Token: "t", CA: []byte("x")}, "PEM"},
	} {
		if _, err := client.New(test.address, test.options); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s", test.name, err, test.says)
		}
	}
}

// TestToken: each request has the token, and a file is read again, because tokens are renewed.
func TestToken(t *testing.T) {
	var got []string
	answer := func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items": []}`)
	}
	file := filepath.Join(t.TempDir(), "token")
	api := serve(t, answer, func(o *client.Options) { o.Token, o.TokenFile = "", file })
	if _, err := api.ListGangsWithResponse(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	for _, token := range []string{"first", "second\n"} {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Check(api.ListGangsWithResponse(t.Context(), nil)); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"Bearer first", "Bearer second"}; !slices.Equal(got, want) {
		t.Errorf("the server was asked with %v, want %v", got, want)
	}
}

// TestWhomToTrust: a server with the certificate of another authority gets no token.
func TestWhomToTrust(t *testing.T) {
	asked := false
	api := serve(t, func(http.ResponseWriter, *http.Request) { asked = true }, func(o *client.Options) { o.CA = nil })
	if _, err := api.ListGangsWithResponse(t.Context(), nil); err == nil || asked {
		t.Errorf("asked %v, with the error %v", asked, err)
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{
			"a problem", `{"status": 422, "detail": "wrong", "errors": [{"location": "body.name", "message": "is missing"}]}`, 422,
			"422 wrong; body.name: is missing",
		},
		{"of a proxy", "<html>", 502, "502 Bad Gateway"},
		{"a status that is not in the description", `{"status": 418, "detail": "no"}`, 418, "418 no"},
	} {
		api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
			if test.body == "<html>" {
				w.Header().Set("Content-Type", "text/html")
			}
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		}, nil)
		_, err := client.Check(api.SubmitWithResponse(t.Context(), "a", nil, client.Request{}))
		problem, ok := errors.AsType[*client.ErrorModel](err)
		if !ok || problem.Error() != test.want || problem.Status != int64(test.status) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

func TestFollow(t *testing.T) {
	gang := `{"key": {"namespace": "a", "name": "g"}, "phase": "Running"}`
	for _, test := range []struct {
		name, stream string
		status       int
		want         []string
	}{
		{
			"events", ": watching\n\nevent: gang\ndata: " + gang + "\n\n: heartbeat\n\nid: 7\nevent: gone\ndata: " + gang + "\n\n", 200,
			[]string{" gang g Running", "7 gone g Running"},
		},
		{
			"a problem at the end", "event: gang\ndata: " + gang + "\n\nevent: problem\ndata: {\"status\": 401, \"detail\": \"expired\"}\n\n", 200,
			[]string{" gang g Running", "401 expired"},
		},
		{"an event that is cut off", "event: gang\ndata: " + gang, 200, nil},
		{"no event", "event: gang\ndata: {\n\n", 200, []string{"reading an event of the watch: unexpected end of JSON input"}},
		{"refused", `{"status": 429, "detail": "this token has 10 watches"}`, 429, []string{"429 this token has 10 watches"}},
	} {
		api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.stream)
		}, nil)
		var got []string
		for event, err := range client.Follow(api.Watch(t.Context(), nil)) {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got = append(got, fmt.Sprintf("%s %s %s %s", event.ID, event.Name, event.Data.Key.Name, event.Data.Phase))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
