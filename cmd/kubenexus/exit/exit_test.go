package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestCodeOf(t *testing.T) {
	late := &Error{Code: TimedOut, Err: errors.New("late")}
	for want, err := range map[int]error{0: nil, Failed: errors.New("no"), TimedOut: fmt.Errorf("waiting: %w", late)} {
		if got := CodeOf(err); got != want {
			t.Errorf("the code of %v is %d, want %d", err, got, want)
		}
	}
	if !errors.Is(late, late.Err) || late.Error() != "late" {
		t.Errorf("%v hides its error", late)
	}
}
