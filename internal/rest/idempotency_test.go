package rest_test

import (
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// TestIdempotencyKey: the same key gives the same Job, at any replica; for another request it is refused.
func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t, nil)
	replica, err := rest.New(rest.Options{APIServer: w.api.config(), Limits: rest.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	other := &world{t, w.api, replica}
	first := w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k")
	w.wants(first, 201)
	again := other.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k")
	w.wants(again, 201)
	if first.Body.String() != again.Body.String() {
		t.Errorf("first %s, then %s", first.Body, again.Body)
	}
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "training", "other", 1), "Idempotency-Key", "k"), 422, "header.Idempotency-Key")
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "4", "5", 1), "Idempotency-Key", "k"), 422, "header.Idempotency-Key")
	w.wants(other.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "l"), 409, "already exists")
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "training", "other", 1), "Idempotency-Key", "l"), 201)
	w.wants(w.do(ann, "POST", jobsOfA, "apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\nspec: {containers: [{}]}",
		"Idempotency-Key", "m"), 422, "need names")
}
