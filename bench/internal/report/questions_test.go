package report

import (
	"strings"
	"testing"
)

func TestQuestionsTable(t *testing.T) {
	run := func(contender string, number int, speed float64, asked int) Questions {
		return Questions{
			Alike: "ours/plain", Asked: asked, Answered: asked / 2, AnswerP50: 0.01, AnswerP99: 0.02,
			Run: Run{Contender: contender, Mode: While, Nodes: 5000, Run: number, Pods: 400, Bound: 400, PerSecond: speed, CPUPer: 0.5},
		}
	}
	r := &Result{Questions: []Questions{
		run("ours/plain", 1, 400, 0), run("ours/plain+questions", 1, 380, 100), run("ours/plain+questions", 2, 420, 120),
		run("ours/plain", 2, 400, 0),
	}}
	r.Questions[0].AnswerP50, r.Questions[0].AnswerP99, r.Questions[3].AnswerP50, r.Questions[3].AnswerP99 = 0, 0, 0, 0
	if r.Empty() {
		t.Error("the result is empty")
	}
	text := squeeze(r.Text())
	for _, want := range []string{
		"5000 nodes: what-if is asked while pods are created and scheduled (+questions), and the same without",
		"ours/plain 400 400 - 0 0 0 / 0 0.50",
		"ours/plain+questions 400 400 (380..420) 1.00 (0.95..1.05) 110 (100..120) 55 (50..60) 10 / 20 0.50",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, r.Text())
		}
	}
}
