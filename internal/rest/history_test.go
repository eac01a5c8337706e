package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// prometheus is a Prometheus that knows what two queues used.
type prometheus struct {
	*httptest.Server
	// asked are the parameters of the last query, and authorization is its header.
	asked         url.Values
	authorization string
	// says is answered in place of the shares, if it is not empty; status with it.
	says   string
	status int
	// requests counts the requests.
	requests atomic.Int32
}

func newPrometheus(t testing.TB) *prometheus {
	p := &prometheus{status: http.StatusOK}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.requests.Add(1)
	if r.URL.Path != "/api/v1/query_range" || r.ParseForm() != nil {
		http.NotFound(w, r)
		return
	}
	p.asked, p.authorization = r.Form, r.Header.Get("Authorization")
	w.Header().Set("Content-Type", "application/json")
	if p.status != http.StatusOK {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(p.status)
	if p.says != "" {
		fmt.Fprint(w, p.says)
		return
	}
	end, _ := strconv.ParseFloat(p.asked.Get("end"), 64)
	series := func(queue string, values ...string) map[string]any {
		points := make([]any, len(values))
		for i, value := range values {
			points[i] = []any{end - float64(len(values)-1-i)*60, value}
		}
		return map[string]any{"metric": map[string]string{"queue": queue}, "values": points}
	}
	send(w, map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": []any{
		series("serving", "1"), series("research", "0.25", "NaN", "0.5"), series("secret", "1"),
	}}})
}

// asks returns options with that Prometheus, and a scheduler that says there are the queues research and serving.
func (p *prometheus) asks(o *rest.Options) {
	o.Scheduler, o.Prometheus.URL = &scheduler{queues: []answers.Queue{{Name: "research"}, {Name: "serving"}, {Name: "new"}}}, p.URL
}

const historyPath = "/api/v1/queues/history"

func TestQueueHistory(t *testing.T) {
	p := newPrometheus(t)
	w := newWorld(t, p.asks)
	answer := w.do(ann, "GET", historyPath, "")
	w.wants(answer, 200)
	var got rest.QueueHistory
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Step != 60 || len(got.Series) != 2 || got.Series[0].Queue != "research" || got.Series[1].Queue != "serving" {
		t.Fatalf("got %+v, want the queues that the scheduler names, each minute", got)
	}
	points := got.Series[0].Points
	if len(points) != 2 || points[0][1] != 0.25 || points[1][1] != 0.5 || points[1][0]-points[0][0] != 120 {
		t.Errorf("got %v, want what research used, without what is no number", points)
	}
	if p.authorization != "" {
		t.Errorf("Prometheus was sent %q", p.authorization)
	}
	hours := func(text string) float64 {
		from, _ := strconv.ParseFloat(p.asked.Get("start"), 64)
		until, _ := strconv.ParseFloat(p.asked.Get("end"), 64)
		step, err := strconv.ParseFloat(p.asked.Get("step"), 64)
		if err != nil || (until-from)/step > 360 || time.Since(time.Unix(int64(until), 0)) > time.Duration(2*step)*time.Second {
			t.Errorf("%s hours: Prometheus was asked %v", text, p.asked)
		}
		return (until - from) / 3600
	}
	if got := hours("no"); got != 6 {
		t.Errorf("without hours, it was asked for %v", got)
	}
	query := p.asked.Get("query")
	for _, text := range []string{"1", "7", "168"} {
		w.wants(w.do(ann, "GET", historyPath+"?hours="+text, ""), 200)
		if got := hours(text); strconv.FormatFloat(got, 'f', -1, 64) != text {
			t.Errorf("it was asked for %v hours, want %s", got, text)
		}
		if p.asked.Get("query") != query {
			t.Errorf("the query depends on the hours: %s", p.asked.Get("query"))
		}
	}
	documented, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(query, "kubenexus_queue_share ") ||
		!strings.Contains(string(documented), "`kubenexus_queue_share` | gauge | queue |") {
		t.Errorf("the query %s is not about a metric of the scheduler", query)
	}
}

// TestQueueHistoryNeedsTheQueues: the scheduler refuses who may not see the queues, and Prometheus is not asked.
func TestQueueHistoryNeedsTheQueues(t *testing.T) {
	p := newPrometheus(t)
	of := &scheduler{err: &answers.Problem{Status: 403, Title: "Forbidden", Detail: "you may not ask"}}
	w := newWorld(t, func(o *rest.Options) { o.Scheduler, o.Prometheus.URL = of, p.URL })
	w.wants(w.do(ann, "GET", historyPath, ""), 403, "you may not ask")
	for _, bad := range []string{"0", "169", "-1", "1h", "6}", "6&query=up"} {
		w.wants(w.do(ann, "GET", historyPath+"?hours="+bad, ""), 422)
	}
	if asked := p.requests.Load(); asked > 0 {
		t.Errorf("Prometheus was asked %d times", asked)
	}
	w = newWorld(t, func(o *rest.Options) { o.Scheduler = &scheduler{} })
	w.wants(w.do(ann, "GET", historyPath, ""), 404, "--prometheus")
	w = newWorld(t, func(o *rest.Options) { o.Prometheus.URL = p.URL })
	w.wants(w.do(ann, "GET", historyPath, ""), 503, "no scheduler answers")
}

// TestPrometheusThatDoesNotAnswer is a problem that says nothing of it.
func TestPrometheusThatDoesNotAnswer(t *testing.T) {
	for what, change := range map[string]func(*prometheus){
		"gone": func(p *prometheus) { p.Close() },
		"an error": func(p *prometheus) {
			p.status, p.says = 500, `{"status":"error","errorType":"internal","error":"at 10.0.0.1"}`
		},
		"elsewhere": func(p *prometheus) { p.status = 302 },
		"no JSON":   func(p *prometheus) { p.says = "<html>" },
		"a number":  func(p *prometheus) { p.says = `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}` },
		"too long":  func(p *prometheus) { p.says = `{"status":"success","data":"` + strings.Repeat("x", 9<<20) + `"}` },
	} {
		t.Run(what, func(t *testing.T) {
			p := newPrometheus(t)
			w := newWorld(t, p.asks)
			change(p)
			answer := w.do(ann, "GET", historyPath, "")
			w.wants(answer, 503, "Prometheus does not answer")
			if strings.Contains(answer.Body.String(), "10.0.0.1") || p.requests.Load() > 1 {
				t.Errorf("after %d requests: %s", p.requests.Load(), answer.Body)
			}
		})
	}
}

// TestTokenForPrometheus: it is sent that of the file, never that of the caller.
func TestTokenForPrometheus(t *testing.T) {
	p := newPrometheus(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *rest.Options) {
		p.asks(o)
		o.Prometheus.TokenFile = file
	})
	w.wants(w.do(ann, "GET", historyPath, ""), 200)
	if p.authorization != "Bearer of-the-file" {
		t.Errorf("Prometheus was sent %q", p.authorization)
	}
}

func TestWrongPrometheus(t *testing.T) {
	for _, wrong := range []rest.Prometheus{
		{URL: "prometheus:9090"},
		{URL: "ftp://prometheus"},
		{URL: "http://"},
		{URL: "http://a?b=c"},
		{URL: "http://a\x01"},
		{URL: "http://prometheus", TokenFile: "/does/not/exist"},
	} {
		_, err := rest.New(rest.Options{APIServer: newAPIServer(t).config(), Limits: rest.DefaultLimits(), Prometheus: wrong})
		if err == nil || !strings.Contains(err.Error(), "Prometheus") {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// TestAbout says who the caller is to the API server.
func TestAbout(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.do(ann, "GET", "/api/v1/about", ""), 200, `{"version":"test","user":"`+userOf(ann)+`","prometheus":false}`)
	w.wants(w.do(forged, "GET", "/api/v1/about", ""), 401)
	w = newWorld(t, newPrometheus(t).asks)
	w.wants(w.do(bob, "GET", "/api/v1/about", ""), 200, `"user":"`+userOf(bob)+`","prometheus":true`)
}
