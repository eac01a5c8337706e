// Package memory gives back what a process at rest does not need. A scheduler needs most memory while it starts: it decodes
// all objects of the cluster and runs the initializers of all that it is linked with, and then is mostly idle.
package memory

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// look is how often the process is checked.
	look = time.Second
	// calm is how much a process at rest allocates at most from one look to the next: it renews its lease and is scraped.
	calm = 1 << 19
	// enough is how much has to be allocated before giving back is worth a collection of the garbage.
	enough = 16 << 20
)

// growth is how much the heap may grow between two collections, in percent of what is in use. Go's default is 100; a small heap
// would be collected all the time while pods are bound.
const growth = 150

// Grow lets the heap grow by more than Go's default, unless the environment variable GOGC is set.
func Grow() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
}

// GiveBackAtRest gives memory back to the system whenever the process becomes idle, until the context ends: what the
// garbage collector keeps for what is to come, and the program's own pages, which are mostly needed at the start.
func GiveBackAtRest(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	var last, given uint64 // what was allocated at the last look, and when memory was given back
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		allocated, live := read()
		if allocated-last < calm && (given == 0 || allocated-given > max(enough, live)) {
			debug.FreeOSMemory()
			dropProgram()
			given = allocated
		}
		last = allocated
	}
}

// read returns the bytes that the process has allocated so far, and those that the last collection found in use.
func read() (allocated, live uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}
