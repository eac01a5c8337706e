package requests

import "testing"

func TestQuantities(t *testing.T) {
	for _, tc := range []struct {
		resource string
		amount   int64
		want     string
	}{
		{"cpu", 1500, "1.5"},
		{"cpu", 0, "0"},
		{"memory", 3 << 29, "1536Mi"},
		{"ephemeral-storage", 1 << 30, "1Gi"},
		{"nvidia.com/gpu", 8, "8"},
	} {
		if got := Quantity(tc.resource, tc.amount); got != tc.want {
			t.Errorf("quantity(%s, %d) = %s, want %s", tc.resource, tc.amount, got, tc.want)
		}
	}
}
