package bindlimit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestSoManyAreBoundAtATime(t *testing.T) {
	limiter := New()
	for i := range InFlight {
		if status := limiter.Enter(t.Context(), types.UID(fmt.Sprint(i))); !status.IsSuccess() {
			t.Fatal(status)
		}
	}
	full, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if status := limiter.Enter(full, "one more"); !errors.Is(status.AsError(), enough) {
		t.Errorf("one pod too many entered: %v", status)
	}
	limiter.Leave("one more") // it has not entered
	limiter.Leave("0")
	limiter.Leave("0") // bound, and then unreserved: it leaves only once
	if status := limiter.Enter(t.Context(), "next"); !status.IsSuccess() {
		t.Error(status)
	}
	if len(limiter.slots) != InFlight {
		t.Errorf("%d pods are being bound, want %d", len(limiter.slots), InFlight)
	}
}
