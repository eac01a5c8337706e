package conventions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// asking returns annotations of a driver whose executors request this quantity of a resource.
func asking(resource, quantity string) map[string]string {
	return map[string]string{
		group: "a", role: "driver",
		roles: fmt.Sprintf(`[{"name":"driver","min":1,"creates":true},{"name":"executor","min":2,"requests":{%q:%q}}]`, resource, quantity),
	}
}

func TestParseRejectsMisleadingQuantities(t *testing.T) {
	const device = "devices are counted in whole numbers"
	for _, tc := range []struct{ resource, quantity, want string }{
		{"memory", "2048m", `it is 2.048 bytes, because "m" stands for thousandths; write "2048Mi"`},
		{"memory", "2048000m", `it is 2048 bytes, because "m" stands for thousandths; write "2048000Mi"`},
		{"memory", "5000000u", `it is 5 bytes, because "u" stands for millionths`},
		{"memory", "7n", `it is 0.000000007 bytes, because "n" stands for billionths`},
		{"memory", "0.5", `it is 0.5 bytes, but a byte has no fractions; write a value such as "2Gi"`},
		{"memory", "2147483648.5", "a byte has no fractions"},
		{"memory", "1e-1", "it is 0.1 bytes"},
		{"memory", "2048", `it is 2048 bytes, which is too little; write "2048Mi" for mebibytes`},
		{"memory", "2e3", `it is 2000 bytes, which is too little; write a value such as "2Gi"`},
		{"memory", "2k", "it is 2000 bytes, which is too little"},
		{"memory", "512Ki", `it is 524288 bytes, which is too little; write a value such as "2Gi"`},
		{"memory", "2K", `it is not a valid resource request; write a value such as "2Gi"`},
		{"memory", "2048K", `it is not a valid resource request; write "2048Ki"`},
		{"memory", "2g", `it is not a valid resource request; write "2Gi"`},
		{"memory", "2048mb", `it is not a valid resource request; write "2048Mi"`},
		{"memory", "1.5GB", `write "1.5Gi"`},
		{"memory", "2 Gi", `write "2Gi"`},
		{"memory", "2GiB", `write "2Gi"`},
		{"memory", "8t", `write "8Ti"`},
		{"memory", "lots", `it is not a valid resource request; write a value such as "2Gi"`},
		{"memory", "0g", `it is not a valid resource request; write a value such as "2Gi"`},
		{"ephemeral-storage", "10m", `write "10Mi"`},
		{"ephemeral-storage", "0.5", "a byte has no fractions"},
		{"ephemeral-storage", "100", "it is 100 bytes, which is too little"},
		{"ephemeral-storage", "10g", `write "10Gi"`},
		{"hugepages-2Mi", "4m", `write "4Mi"`},
		{"hugepages-2Mi", "3Mi", "it is not a multiple of 2Mi, the page size"},
		{"hugepages-large", "2Mi", "the resource name has no page size"},
		{"nvidia.com/gpu", "0.5", device},
		{"nvidia.com/gpu", "500m", device},
		{"nvidia.com/gpu", "1000m", device},
		{"nvidia.com/gpu", "1500000u", device},
		{"example.com/fpga", "1.5", device},
		{"example.com/fpga", "one", `it is not a valid resource request; use a value such as "1"`},
		{"cpu", "100u", "it is less than a millicore"},
		{"cpu", "500n", "it is less than a millicore"},
		{"cpu", "0.0001", "it is less than a millicore"},
		{"cpu", "2 cores", `it is not a valid resource request; use a value such as "1" or "500m"`},
		{"cpu", "1E", "it is more than any node has"},
		{"memory", "2Pi", "it is more than any node has"},
		{"memory", "1e99", "it is more than any node has"},
		{"nvidia.com/gpu", "1e18", "it is more than any node has"},
		{"mem", "2Gi", `request "cpu", "memory"`},
		{"gpu", "1", `a device by its whole name, such as "nvidia.com/gpu"`},
	} {
		t.Run(tc.resource+" "+tc.quantity, func(t *testing.T) {
			_, err := conventions.Parse(conventions.Pod{Annotations: asking(tc.resource, tc.quantity)})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("in roles: %v, want %q", err, tc.want)
			}
			annotation := map[string]string{"cpu": cpu, "memory": memory, "nvidia.com/gpu": gpu}[tc.resource]
			if annotation == "" || tc.quantity == "2k" {
				return // Spark has no annotation for it, or rejects it for another reason
			}
			annotations := map[string]string{count: "2", cpu: "1", memory: "1Gi"}
			annotations[annotation] = tc.quantity
			_, err = conventions.Parse(conventions.Pod{Labels: sparkLabels("driver"), Annotations: annotations})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "annotation "+annotation+" has") {
				t.Errorf("in Spark's annotation: %v, want %q", err, tc.want)
			}
		})
	}
}

// TestRemedyMatchesTheResource checks that no remedy for memory suggests an amount of cpu, and vice versa.
func TestRemedyMatchesTheResource(t *testing.T) {
	for _, bad := range []string{"2048m", "x", "0.5", "2g"} {
		_, err := conventions.Parse(conventions.Pod{Annotations: asking("memory", bad)})
		if err == nil || !strings.Contains(err.Error(), "i\"") || strings.Contains(err.Error(), "500m") {
			t.Errorf("memory %q: %v", bad, err)
		}
	}
	if _, err := conventions.Parse(conventions.Pod{Annotations: asking("cpu", "x")}); err == nil || !strings.Contains(err.Error(), "500m") {
		t.Errorf("cpu: %v", err)
	}
}

func TestParseAcceptsKubernetesQuantities(t *testing.T) {
	for resource, quantities := range map[string][]string{
		"cpu":               {"1", "500m", "0.5", "2.5", "1e2", "1500000u", "1k", "0.3333", "1m"},
		"memory":            {"2147483648", "1408Mi", "2Gi", "1.5Gi", "0.1Gi", "2G", "2048M", "2e9", "1Ti", "1048576", "1Pi"},
		"ephemeral-storage": {"10Gi", "512Ki", "1G", "10737418240"},
		"hugepages-2Mi":     {"4Mi", "1Gi", "2097152"},
		"hugepages-1Gi":     {"2Gi"},
		"nvidia.com/gpu":    {"1", "8", "1k", "2.0"},
	} {
		for _, quantity := range quantities {
			if _, err := conventions.Parse(conventions.Pod{Annotations: asking(resource, quantity)}); err != nil {
				t.Errorf("%s %q: %v", resource, quantity, err)
			}
		}
	}
}
