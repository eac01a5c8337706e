package report

import "fmt"

// Questions is one run of the scenario in which a scheduler is asked questions while it schedules pods, or of the same without questions.
type Questions struct {
	Run
	// Alike is the name of the contender that is asked nothing, which is the same otherwise.
	Alike string `json:"alike"`
	// Asked is how many questions were asked, Answered how many were answered before they were given up.
	Asked    int `json:"asked,omitempty"`
	Answered int `json:"answered,omitempty"`
	// From the question to its answer.
	AnswerP50 float64 `json:"answerP50,omitempty"`
	AnswerP99 float64 `json:"answerP99,omitempty"`
}

// questionsTable compares how fast each contender schedules pods while it is asked questions, and while it is not.
func (r *Result) questionsTable() table {
	t := table{
		heading: fmt.Sprintf("%d nodes: what-if is asked while pods are created and scheduled (+questions), and the same without",
			r.Questions[0].Nodes),
		columns: []string{
			"contender", "pods", "pods/s", "x without", "questions", "answered", "answer p50/p99 ms", "CPU-s/1000", "gang p50/p99 ms",
		},
	}
	found := groups(r.Questions, func(q *Questions) string { return q.Contender }, func(*Questions) bool { return true })
	for i := range found {
		g := &found[i]
		ratios := comparedWith(g, g.runs[0].Alike, found,
			func(q *Questions) int { return q.Run.Run }, func(q *Questions) float64 { return q.PerSecond })
		spread := func(figure func(*Questions) float64, digits int) string { return format(g.spread(figure), digits) }
		t.rows = append(t.rows, []string{
			g.contender, fmt.Sprint(g.runs[0].Pods), spread(func(q *Questions) float64 { return q.PerSecond }, 0),
			orNone(ratios.Max > 0, format(ratios, 2)),
			spread(func(q *Questions) float64 { return float64(q.Asked) }, 0),
			spread(func(q *Questions) float64 { return float64(q.Answered) }, 0),
			spread(func(q *Questions) float64 { return 1000 * q.AnswerP50 }, 0) + " / " +
				spread(func(q *Questions) float64 { return 1000 * q.AnswerP99 }, 0),
			spread(func(q *Questions) float64 { return cpuPer(&q.Run) }, 2),
			spread(func(q *Questions) float64 { return 1000 * q.GangP50 }, 0) + " / " +
				spread(func(q *Questions) float64 { return 1000 * q.GangP99 }, 0),
		})
		t.notes = append(t.notes, incompleteNotes(g, func(q *Questions) *Run { return &q.Run })...)
	}
	return t
}
