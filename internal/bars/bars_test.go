package bars

import (
	"math"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

func TestDraw(t *testing.T) {
	for _, test := range []struct {
		part, mark float64
		want       string
	}{
		{0, 0, "░░░░░░░░░░░░░░░░░░░░"},
		{.001, 0, "█░░░░░░░░░░░░░░░░░░░"},
		{.5, .75, "██████████░░░░░│░░░░"},
		{.5, .25, "█████│████░░░░░░░░░░"},
		{1, 1, "███████████████████│"},
		{7, 0, "████████████████████"},
		{math.NaN(), math.Inf(1), "░░░░░░░░░░░░░░░░░░░│"},
	} {
		if got := Draw(test.part, test.mark); got != test.want {
			t.Errorf("%v with a mark at %v: %s, want %s", test.part, test.mark, got, test.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	all := map[string]string{"nvidia.com/gpu": "3", "memory": "5726623061", "cpu": "1500m", "hugepages-2Mi": "1Gi", "ephemeral-storage": "12"}
	if got, want := Amounts(all, nil), "cpu=1500m memory=5.3Gi ephemeral-storage=12 hugepages-2Mi=1Gi nvidia.com/gpu=3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	capacity := map[string]string{"cpu": "8", "memory": "1Ti", "nvidia.com/gpu": "4", "ephemeral-storage": "1Ti"}
	if got, want := Amounts(all, Shown(answers.Queues{Capacity: capacity}, false)), "cpu=1500m memory=5.3Gi nvidia.com/gpu=3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Dominant(all, capacity); got != .75 {
		t.Errorf("the dominant share is %v, want .75 of the GPUs", got)
	}
}
