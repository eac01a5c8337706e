package stats

import "testing"

func TestOf(t *testing.T) {
	for _, test := range []struct {
		figures []float64
		want    Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{3, 1, 2}, Spread{2, 1, 3}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1, 4}},
	} {
		if got := Of(test.figures); got != test.want {
			t.Errorf("Of(%v) = %v, want %v", test.figures, got, test.want)
		}
	}
}

func TestOfLeavesTheFiguresInTheirOrder(t *testing.T) {
	figures := []float64{3, 1, 2}
	Of(figures)
	Quantile(figures, 0.5)
	if figures[0] != 3 || figures[1] != 1 || figures[2] != 2 {
		t.Errorf("the figures are now %v", figures)
	}
}

func TestQuantile(t *testing.T) {
	figures := []float64{5, 1, 4, 2, 3}
	for _, test := range []struct{ q, want float64 }{{0, 1}, {0.2, 1}, {0.21, 2}, {0.5, 3}, {0.99, 5}, {1, 5}} {
		if got := Quantile(figures, test.q); got != test.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", figures, test.q, got, test.want)
		}
	}
	if got := Quantile(nil, 0.5); got != 0 {
		t.Errorf("Quantile of none = %v, want 0", got)
	}
}
