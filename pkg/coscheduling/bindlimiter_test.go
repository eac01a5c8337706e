package coscheduling

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestBindLineLetsSoManyThrough(t *testing.T) {
	line := newBindLimiter()
	for i := range bindsInFlight {
		if status := line.enter(t.Context(), types.UID(fmt.Sprint(i))); !status.IsSuccess() {
			t.Fatal(status)
		}
	}
	full, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if status := line.enter(full, "one more"); !errors.Is(status.AsError(), enough) {
		t.Errorf("one more than fit was let through: %v", status)
	}
	line.leave("one more") // it has no slot to give back
	line.leave("0")
	line.leave("0") // bound, and then unreserved: one slot
	if status := line.enter(t.Context(), "next"); !status.IsSuccess() {
		t.Error(status)
	}
	if len(line.slots) != bindsInFlight {
		t.Errorf("%d pods are in the line, want %d", len(line.slots), bindsInFlight)
	}
}
