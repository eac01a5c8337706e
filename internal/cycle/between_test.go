package cycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// TestQuestionsTakeLittleTimeWhilePodsAreScheduled: of the time they get 2%, and what they have not used of the last seconds. Five seconds
// after the last pod they get more.
func TestQuestionsTakeLittleTimeWhilePodsAreScheduled(t *testing.T) {
	now := time.Unix(1000, 0)
	b := NewBetween(now)
	scheduled := func() {
		b.Begins()
		b.Ended(now)
	}
	ask := func() time.Duration { // asks all the time for 10 s, 5 ms each, while a pod is scheduled every millisecond
		took := time.Duration(0)
		for end := now.Add(10 * time.Second); now.Before(end); {
			scheduled()
			if b.may(now) {
				now = now.Add(5 * time.Millisecond)
				took += 5 * time.Millisecond
				b.spend(now, 5*time.Millisecond)
			} else {
				now = now.Add(time.Millisecond)
			}
		}
		return took
	}
	if first := ask(); first < betweenBurst || first > betweenBurst+250*time.Millisecond {
		t.Errorf("in the first 10 s questions took %v, want what is saved up (%v) and about 200 ms", first, betweenBurst)
	}
	if later := ask(); later < 150*time.Millisecond || later > 250*time.Millisecond {
		t.Errorf("in the next 10 s questions took %v, want about 200 ms", later)
	}
	if now = now.Add(restAfter + time.Second); !b.may(now) {
		t.Error("no question is answered although no pod is scheduled")
	}
}

// TestALongQuestionIsPaidBack: after one that took very long, the scheduler has as much time before the next, although it has scheduled
// nothing meanwhile. Otherwise long questions one after the other would leave it no time.
func TestALongQuestionIsPaidBack(t *testing.T) {
	now := time.Unix(1000, 0)
	b := NewBetween(now)
	const long = 20 * time.Second
	now = now.Add(long)
	b.spend(now, long)
	if b.may(now.Add(long - 2*betweenBurst)) {
		t.Error("the next question may begin before the scheduler had its time")
	}
	if !b.may(now.Add(long + time.Millisecond)) {
		t.Error("the next question may not begin although the scheduler had its time")
	}
}

// TestAQuestionEndsInTime: the next cycle does not wait longer than that for it.
func TestAQuestionEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := NewBetween(began).Do(t.Context(), time.Now, func(ctx context.Context) {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), answers.ErrTooLong) {
				t.Errorf("it ends because of %v", context.Cause(ctx))
			}
		})
		if took := time.Since(began); err != nil || took != betweenMost {
			t.Errorf("it took %s, want %s, error %v", took, betweenMost, err)
		}
	})
}

// TestAQuestionWaitsForTheCycle, and the next cycle for the question.
func TestAQuestionWaitsForTheCycle(t *testing.T) {
	b := NewBetween(time.Now())
	b.Begins()
	ctx, cancel := context.WithCancel(t.Context())
	answered, began := make(chan error, 1), make(chan struct{})
	go func() { answered <- b.Do(ctx, time.Now, func(context.Context) { <-began }) }()
	select {
	case err := <-answered:
		t.Fatalf("it was answered during a cycle, error %v", err)
	default:
	}
	b.Ended(time.Now())
	next := make(chan struct{})
	close(began)
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	go func() { b.Begins(); close(next) }()
	<-next
	cancel()
	late := make(chan error, 1)
	go func() {
		late <- b.Do(ctx, time.Now, func(context.Context) { t.Error("it was answered although nobody waits") })
	}()
	b.Ended(time.Now())
	if err := <-late; !errors.Is(err, context.Canceled) {
		t.Errorf("a question whose asker is gone: %v", err)
	}
}
