// Package bars writes what queues use and may use, for people.
package bars

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

const (
	// Mark is where the fair share is in a bar.
	Mark = "│"
	full = "█"
	free = "░"
	// width is how many characters a bar has.
	width = 20
)

// Of draws the share of a queue, and its fair share in it.
func Of(q *answers.Queue, capacity map[string]string) string {
	return Draw(q.Share, Dominant(q.FairShare, capacity)) + fmt.Sprintf(" %3.0f%%", 100*q.Share)
}

// Draw draws a part of a whole, and a mark at another part of it, unless that is nothing.
func Draw(part, mark float64) string {
	cells := slices.Repeat([]string{free}, width)
	for i := range cellsOf(part) {
		cells[i] = full
	}
	if mark > 0 {
		cells[min(cellsOf(mark), width-1)] = Mark
	}
	return strings.Join(cells, "")
}

// cellsOf is how many cells of a bar a part fills: at least one if there is anything.
func cellsOf(part float64) int {
	if !(part > 0) { // or it is not a number
		return 0
	}
	return int(max(1, math.Round(min(part, 1)*width)))
}

// Dominant returns the largest part that amounts are of the capacity.
func Dominant(amounts, capacity map[string]string) float64 {
	part := 0.0
	for name, text := range amounts {
		if total := number(capacity[name]); total > 0 {
			part = max(part, number(text)/total)
		}
	}
	return part
}

func number(text string) float64 {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0
	}
	return q.AsApproximateFloat64()
}

// Shown returns the resources that a table shows: CPU, memory, devices, and all that a queue is guaranteed or limited to. With all, it
// returns every resource.
func Shown(queues answers.Queues, all bool) map[string]bool {
	shown := map[string]bool{string(corev1.ResourceCPU): true, string(corev1.ResourceMemory): true}
	for name := range queues.Capacity {
		if all || strings.Contains(name, "/") {
			shown[name] = true
		}
	}
	for i := range queues.Items {
		for _, amounts := range []map[string]string{queues.Items[i].Guarantee, queues.Items[i].Limit} {
			for name := range amounts {
				shown[name] = true
			}
		}
	}
	return shown
}

// Amounts writes amounts in the order in which users look at them: those of the resources that are shown, or all without such a list.
func Amounts(quantities map[string]string, shown map[string]bool) string {
	var texts []string
	for _, name := range Names(quantities) {
		if shown == nil || shown[name] {
			texts = append(texts, name+"="+Rounded(name, quantities[name]))
		}
	}
	if len(texts) == 0 {
		return "-"
	}
	return strings.Join(texts, " ")
}

// Names returns the names of resources in the order in which users look at them.
func Names(quantities map[string]string) []string {
	names := make([]string, 0, len(quantities))
	for name := range quantities {
		names = append(names, name)
	}
	rank := func(name string) int {
		return slices.Index([]string{string(corev1.ResourceMemory), string(corev1.ResourceCPU)}, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(a, b)) })
	return names
}

// Rounded writes bytes without what nobody reads: 5.3Gi instead of 5726623061.
func Rounded(name, text string) string {
	bytes := name == string(corev1.ResourceMemory) || name == string(corev1.ResourceEphemeralStorage) ||
		strings.HasPrefix(name, corev1.ResourceHugePagesPrefix)
	if !bytes {
		return text
	}
	amount := number(text)
	for _, unit := range []struct {
		name string
		size float64
	}{{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}} {
		if amount >= unit.size {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", amount/unit.size), ".0") + unit.name
		}
	}
	return text
}
