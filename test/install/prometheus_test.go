package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// prometheusTool returns the path of a program that tools/prometheus pins, prometheus or promtool. It builds the program if it is missing
// or outdated; make test has built it already.
func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	const commands = "github.com/prometheus/prometheus/cmd/"
	// As in the Makefile, with static targets only.
	build := exec.Command("go", "-C", "../../tools/prometheus", "build", "-trimpath", "-tags", "remove_all_sd",
		"-o", "../../bin/", commands+"prometheus", commands+"promtool")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building Prometheus: %v: %s", err, out)
	}
	return absolute(t, "../../bin/"+name)
}

// promtool runs promtool in the directory of the dashboards.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(prometheusTool(t, "promtool"), args...)
	cmd.Dir = dashboards
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v:\n%s", args, err, out)
	}
}

// prometheus is a running Prometheus.
type prometheus struct {
	t   *testing.T
	url string
	log process.Buffer
}

// startPrometheus starts Prometheus with that configuration and waits until it is ready. It is stopped when the test ends.
func startPrometheus(t *testing.T, config map[string]any) *prometheus {
	t.Helper()
	dir := t.TempDir()
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := child.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	p := &prometheus{t: t, url: "http://" + address}
	cmd := exec.Command(prometheusTool(t, "prometheus"), "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	running, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !running.Stop(patience) {
			t.Error("Prometheus did not stop on SIGTERM")
		}
	})
	process.Within(t, patience, "Prometheus to be ready", func() (bool, string) {
		_, err := p.get("/-/ready", nil)
		return err == nil, fmt.Sprint(err, p.log.String())
	})
	return p
}

func (p *prometheus) get(path string, query url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // the body was read
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, err
}

// ask sends a request to Prometheus' API.
func (p *prometheus) ask(path string, query url.Values, into any) error {
	body, err := p.get("/api/v1/"+path, query)
	if err != nil {
		return err
	}
	var answer struct {
		Data     json.RawMessage
		Warnings []string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if len(answer.Warnings) > 0 {
		return fmt.Errorf("prometheus warns: %q", answer.Warnings)
	}
	return json.NewDecoder(bytes.NewReader(answer.Data)).Decode(into)
}

// series is the result of a query for one set of labels.
type series struct {
	Metric map[string]string
	Values []sample
}

// sample is a value at a time; the time is in seconds.
type sample struct{ Time, Value float64 }

// UnmarshalJSON reads [time, "value"].
func (s *sample) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &[]any{&s.Time, &text}); err != nil {
		return err
	}
	var err error
	s.Value, err = strconv.ParseFloat(text, 64)
	return err
}

// errNothing is the error for a query that returns no number.
var errNothing = errors.New("it returns no number")

// during evaluates the expression for each second, and returns an error if it never is a number.
func (p *prometheus) during(expr string, from, to time.Time) ([]series, error) {
	seconds := func(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64) }
	var found struct{ Result []series }
	err := p.ask("query_range", url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {"1"}}, &found)
	if err != nil {
		return nil, err
	}
	for _, s := range found.Result {
		for _, at := range s.Values {
			if !math.IsNaN(at.Value) && !math.IsInf(at.Value, 0) {
				return found.Result, nil
			}
		}
	}
	return nil, errNothing
}

// now returns the only value of the expression.
func (p *prometheus) now(expr string) (float64, error) {
	var found struct {
		Result []struct{ Value sample }
	}
	if err := p.ask("query", url.Values{"query": {expr}}, &found); err != nil {
		return 0, err
	}
	if len(found.Result) != 1 {
		return 0, fmt.Errorf("%d values", len(found.Result))
	}
	return found.Result[0].Value.Value, nil
}

// becomes waits until the expression has the value.
func (p *prometheus) becomes(expr string, want float64) {
	p.t.Helper()
	process.Within(p.t, patience, fmt.Sprintf("%s to be %v", expr, want), func() (bool, string) {
		got, err := p.now(expr)
		return err == nil && got == want, fmt.Sprint(got, err)
	})
}
