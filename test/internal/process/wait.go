package process

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// Within polls until the condition holds, and fails the test with what it last said if that takes too long.
func Within(t testing.TB, limit time.Duration, what string, condition func() (bool, string)) {
	t.Helper()
	now := ""
	if !Poll(limit, func() (done bool) { done, now = condition(); return done }) {
		t.Fatalf("waited %s for %s; now: %s", limit, what, now)
	}
}

// Poll asks again and again until the answer is yes or the time is up, and returns the last answer.
func Poll(limit time.Duration, ask func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !ask(); <-tick.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// Buffer is a buffer that a process writes and a test reads.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Contains says whether the text was written.
func (b *Buffer) Contains(text string) bool { return strings.Contains(b.String(), text) }

// Lines returns the lines that contain the text, in any case.
func (b *Buffer) Lines(text string) []string {
	text = strings.ToLower(text)
	var found []string
	for line := range strings.Lines(b.String()) {
		if strings.Contains(strings.ToLower(line), text) {
			found = append(found, line)
		}
	}
	return found
}

// tail returns the last of it, for people.
func (b *Buffer) tail() string {
	const most = 20_000
	text := b.String()
	return text[max(0, len(text)-most):]
}
