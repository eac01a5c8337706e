package conventions

func QueueNotFound(pod Pod, name string, known []string) *Problem { return nil }
func QueueNotALeaf(pod Pod, name string, below []string) *Problem { return nil }
func QueueNotAllowed(pod Pod, name, namespace string) *Problem    { return nil }

const (
	NoQueue Fault = 100 + iota
	ForbiddenQueue
)
