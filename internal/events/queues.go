package events

import "strings"

// ReasonInvalidQueues is the reason of the event on a ConfigMap that configures queues wrongly.
const ReasonInvalidQueues = "InvalidQueueConfiguration"

// Shorten cuts a note to what the API server accepts in an event.
func Shorten(note string) string {
	const more = " ..."
	if len(note) <= MaxNote {
		return note
	}
	return strings.ToValidUTF8(note[:MaxNote-len(more)], "") + more
}
