package install

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// checkHistory checks that the REST API shows what the queues used, from the Prometheus, to one whom the scheduler tells of the queues.
func checkHistory(t *testing.T, p *prometheus) {
	server, err := rest.New(rest.Options{
		APIServer: suite.plane.Config(), Version: "test", Limits: rest.DefaultLimits(), Prometheus: rest.Prometheus{URL: p.url},
		Lease: types.NamespacedName{Namespace: "kube-system", Name: "kubenexus-scheduler"},
	})
	if err != nil {
		t.Fatal(err)
	}
	caller := token(t, "monitoring", "prometheus-k8s")
	process.Within(t, patience, "research to have a history", func() (bool, string) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/queues/history?hours=1", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+caller)
		answer := httptest.NewRecorder()
		server.Handler().ServeHTTP(answer, r)
		var history rest.QueueHistory
		if err := json.Unmarshal(answer.Body.Bytes(), &history); err != nil || answer.Code != http.StatusOK {
			return false, fmt.Sprint(answer.Code, answer.Body, err)
		}
		used := slices.ContainsFunc(history.Series, func(s rest.QueueSeries) bool {
			return s.Queue == "research" && slices.ContainsFunc(s.Points, func(p [2]float64) bool { return p[1] > 0 && p[1] <= 1 })
		})
		return used, answer.Body.String()
	})
}
