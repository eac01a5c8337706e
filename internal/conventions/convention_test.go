package conventions_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	group      = "pod-group.scheduling.sigs.k8s.io/name"
	size       = "pod-group.scheduling.sigs.k8s.io/min-available"
	batchGroup = "batch.scheduling.k8s.io/group"
	batchSize  = "batch.scheduling.k8s.io/min-available"
	timeout    = "kubenexus.io/schedule-timeout"
)

func TestParseReadsBothConventions(t *testing.T) {
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        *gang.Spec
	}{
		{"no annotations, no gang", nil, nil},
		{"other annotations, no gang", map[string]string{"a": "b", timeout: "5s"}, nil},
		{
			"pod-group",
			map[string]string{group: "spark-job-123", size: "11"},
			&gang.Spec{Convention: "Coscheduling", Name: "spark-job-123", MinAvailable: 11},
		},
		{
			"batch",
			map[string]string{batchGroup: "demo", batchSize: "3"},
			&gang.Spec{Convention: "BatchPermit", Name: "demo", MinAvailable: 3},
		},
		{
			"own timeout",
			map[string]string{group: "a", size: "1", timeout: "90s"},
			&gang.Spec{Convention: "Coscheduling", Name: "a", MinAvailable: 1, Timeout: 90 * time.Second},
		},
		{
			"the largest size",
			map[string]string{group: "A.b_c-9", size: "2147483647"},
			&gang.Spec{Convention: "Coscheduling", Name: "A.b_c-9", MinAvailable: 2147483647},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := conventions.Parse(conventions.Pod{Annotations: tc.annotations})
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseNamesTheAnnotationTheValueAndTheRemedy(t *testing.T) {
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        string
	}{
		{"name without a size", map[string]string{group: "a"}, "annotation " + size + " is missing: "},
		{"empty name", map[string]string{group: "", size: "3"}, `annotation ` + group + ` has the value "": it is empty`},
		{"name with spaces", map[string]string{group: "my job", size: "3"}, `has the value "my job": a name has letters`},
		{"name that ends in a dash", map[string]string{group: "job-", size: "3"}, `has the value "job-": a name has letters`},
		{"name of 254", map[string]string{group: strings.Repeat("x", 254), size: "3"}, "it has 254 characters; use at most 253"},
		{"empty size", map[string]string{group: "a", size: ""}, `annotation ` + size + ` has the value "": it is empty`},
		{"size in words", map[string]string{group: "a", size: "three"}, `has the value "three": it is not a whole number`},
		{"size 0", map[string]string{group: "a", size: "0"}, `has the value "0": it is less than 1`},
		{"negative size", map[string]string{group: "a", size: "-4"}, `has the value "-4": it is less than 1`},
		{"fraction", map[string]string{group: "a", size: "2.5"}, `has the value "2.5": it is not a whole number`},
		{"beyond int32", map[string]string{group: "a", size: "2147483648"}, "it is out of range (1 to 2147483647)"},
		{"beyond int64", map[string]string{group: "a", size: "99999999999999999999"}, "it is out of range"},
		{"spaces around the size", map[string]string{group: "a", size: " 3 "}, `has the value " 3 ": it is not a whole number`},
		{"both conventions", map[string]string{group: "a", size: "3", batchGroup: "b", batchSize: "3"}, `annotation ` + batchGroup + ` has the value "b": this pod also has the annotations of`},
		{"part of the other convention", map[string]string{group: "a", size: "3", batchSize: "7"}, `annotation ` + batchSize + ` has the value "7": this pod also has the annotations of`},
		{"timeout without a unit", map[string]string{group: "a", size: "3", timeout: "30"}, `annotation ` + timeout + ` has the value "30": set it to a duration`},
		{"timeout 0", map[string]string{group: "a", size: "3", timeout: "0s"}, `has the value "0s": set it to a duration`},
		{"timeout of a year", map[string]string{group: "a", size: "3", timeout: "8760h"}, "up to 24h0m0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := conventions.Parse(conventions.Pod{Annotations: tc.annotations})
			if err == nil {
				t.Fatalf("Parse accepted %v as %+v", tc.annotations, spec)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Parse returned the error %q, want it to contain %q", err, tc.want)
			}
		})
	}
}

// FuzzParse checks that Parse returns a valid gang or a problem that fits into an event, for any annotations.
func FuzzParse(f *testing.F) {
	f.Add("spark-job-123", "11", "", "", "30s")
	f.Add("", "0", "demo", "3", "")
	f.Add("my job", "-1", "", "2147483648", "1h")
	f.Fuzz(func(t *testing.T, name, minAvailable, otherName, otherSize, limit string) {
		annotations := map[string]string{}
		for key, value := range map[string]string{
			group: name, size: minAvailable, batchGroup: otherName, batchSize: otherSize, timeout: limit,
		} {
			if value != "" {
				annotations[key] = value
			}
		}
		spec, err := conventions.Parse(conventions.Pod{Annotations: annotations})
		var p *conventions.Problem
		switch {
		case err != nil && !errors.As(err, &p):
			t.Errorf("error %v is not a Problem", err)
		case err != nil && (len(err.Error()) > 700 || !utf8.ValidString(err.Error())):
			t.Errorf("problem cannot be shown in an event: %q", err)
		case spec == nil:
		case spec.MinAvailable < 1 || spec.Name == "" || len(spec.Name) > conventions.MaxNameLength ||
			strings.ContainsAny(spec.Name, " \t\n/") || spec.Timeout < 0 || spec.Timeout > conventions.MaxTimeout:
			t.Errorf("Parse accepted %v as %+v", annotations, spec)
		}
	})
}
