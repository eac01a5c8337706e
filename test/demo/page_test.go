package demo_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The page is served beside the demo: who signs in with the token sees everything. Ctrl-C ends all of it.
func TestDemoServesThePage(t *testing.T) {
	c := newCommand(t, "demo", "-f", "testdata/gang.yaml", "--node-gpus", "8", "--page")
	reader, writer := io.Pipe()
	c.Stdout = writer
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(io.TeeReader(reader, &c.stdout))
	url := lineAfter(t, lines, "The web page of this cluster")
	token := lineAfter(t, lines, "Sign in with this token")
	lineAfter(t, lines, "Everything keeps running")
	scheduler := childOf(t, c.Process.Pid)

	browser := reading{client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the demo makes its certificate itself
	}}, url: url, token: token}
	if got := browser.get(t, "/"); !strings.Contains(got, "<title>KubeNexus</title>") {
		t.Errorf("/ is not the page, but %.200q", got)
	}
	for path, wants := range map[string]string{
		"about": `"user":"system:serviceaccount:default:reader"`,
		"gangs": `"name":"gpus"`,
		// These are answers of the scheduler.
		"queues": `"items"`,
		"order":  `"items"`,
		"nodes":  `"name":"node-0"`,
	} {
		browser.awaits(t, "/api/v1/"+path, wants)
	}
	browser.client.CloseIdleConnections()

	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }() // so that it can write what is left
	c.exits(t, c.Wait(), 0)
	if alive(scheduler) {
		t.Errorf("the scheduler, process %d, still runs", scheduler)
	}
	if _, err := browser.ask(t.Context(), "/"); err == nil {
		t.Errorf("the page is still served at %s", url)
	}
}

// lineAfter returns the line after the next one that begins like that.
func lineAfter(t *testing.T, lines *bufio.Scanner, begins string) string {
	t.Helper()
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), begins) && lines.Scan() {
			return strings.TrimSpace(lines.Text())
		}
	}
	t.Fatalf("no line begins with %q", begins)
	return ""
}

// reading is how a browser reads the page.
type reading struct {
	client     *http.Client
	url, token string
}

func (r reading) ask(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	response, err := r.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %s: %s", response.Status, text)
	}
	return string(text), err
}

func (r reading) get(t *testing.T, path string) string {
	t.Helper()
	text, err := r.ask(t.Context(), path)
	if err != nil {
		t.Fatalf("asking for %s: %v", path, err)
	}
	return text
}

// awaits asks until the answer has the text. The scheduler answers only once it leads, and has said where.
func (r reading) awaits(t *testing.T, path, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		got, err := r.ask(t.Context(), path)
		if err == nil && json.Valid([]byte(got)) && strings.Contains(strings.ReplaceAll(got, `": `, `":`), text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not have %s, but %.500s (%v)", path, text, got, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}
