package gang

const (
	KindBeyondLimit     Kind = "BeyondLimit"
	KindBeyondGuarantee Kind = "BeyondGuarantee"
	KindQueued          Kind = "Queued"
	KindQueueNotFound   Kind = "QueueNotFound"
	KindQueueNotAllowed Kind = "QueueNotAllowed"
)

type QueueWhy struct {
	Leaf, Queue, Resource, Uses, Bound, Asks string
	Never                                    bool
	Before                                   int
	Guarantee                                bool
}

