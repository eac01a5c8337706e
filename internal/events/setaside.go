package events

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// setAside says "set aside for it: 3 of 4; starts in about 12m, when gang a/b ends".
func setAside(a gang.SetAsideWhy) string {
	text := fmt.Sprintf("set aside for it: %d of %d", a.Held, a.Of)
	switch {
	case a.After == "":
		return text
	case a.In <= 0:
		return fmt.Sprintf("%s; starts when %s ends, which is due", text, a.After)
	}
	return fmt.Sprintf("%s; starts in about %s, when %s ends", text, about(a.In), a.After)
}

// about formats a duration without units that are zero: 12m, 1h30m.
func about(d time.Duration) string {
	text := short(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
