package conventions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The annotations with which a driver declares its executors to Palantir's k8s-spark-scheduler (see its README).
const (
	executorCount    = "spark-executor-count"
	executorCPU      = "spark-executor-cpu"
	executorMemory   = "spark-executor-mem"
	executorGPU      = "spark-executor-nvidia.com/gpu"
	dynamicExecutors = "spark-dynamic-allocation-enabled"
	minExecutors     = "spark-dynamic-allocation-min-executor-count"
)

// palantirRoles reads the roles that a driver declares to Palantir's scheduler, for any convention. It returns nil if there are
// none.
func palantirRoles(annotations map[string]string) (*gang.Roles, error) {
	dynamic := annotations[dynamicExecutors] == "true"
	source := executorCount
	if dynamic {
		source = minExecutors
	}
	count, ok := annotations[source]
	if !ok {
		return nil, nil
	}
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil || n < 0 || n >= maxDeclared {
		return nil, problem(source, count, fmt.Sprintf("set it to the number of executors that must start with the driver, at most %d",
			maxDeclared-1))
	}
	executors := gang.Role{Name: sparkExecutor, Min: int32(n), Requests: map[string]string{}}
	for _, asked := range sparkRequests() {
		text := annotations[asked.annotation]
		switch {
		case text != "":
			executors.Requests[asked.resource] = text
		case asked.example != "" && n > 0:
			return nil, missing(asked.annotation, source, fmt.Sprintf("%s is set, so set this one to what each executor requests, "+
				"such as %q", source, asked.example))
		}
	}
	for _, asked := range sparkRequests() {
		if text := executors.Requests[asked.resource]; text != "" {
			if remedy := checkSparkRequest(asked.resource, text); remedy != "" {
				return nil, problem(asked.annotation, text, remedy)
			}
		}
	}
	r := gang.NewRoles(gang.Role{Name: sparkDriver, Min: 1, Creates: true}, executors)
	r.Inherits = true
	return r, nil
}

// sparkRequest is an annotation with an executor's request for a resource. A required one has an example.
type sparkRequest struct{ annotation, resource, example string }

func sparkRequests() []sparkRequest {
	return []sparkRequest{
		{executorCPU, cpuResource, "1"}, {executorMemory, memoryResource, "1408Mi"}, {executorGPU, "nvidia.com/gpu", ""},
	}
}

// checkSparkRequest is checkRequest for quantities that may be in Spark's notation.
func checkSparkRequest(resource, text string) string {
	if number, thousands := strings.CutSuffix(text, "k"); thousands && resource == memoryResource {
		return fmt.Sprintf(`"k" stands for 1000 bytes in Kubernetes, and for 1024 in Spark; write %q`, number+"Ki")
	}
	return checkRequest(resource, text)
}
