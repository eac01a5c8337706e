package topology

import (
	"cmp"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// The cluster of the examples has two blocks of two racks with two hosts each, and a host without labels:
//
//	block b1: rack b1r1 (hosts 0, 1), rack b1r2 (2, 3)
//	block b2: rack b2r1 (hosts 4, 5), rack b2r2 (6, 7)
//	no block: host 8
var (
	host  = level("host", "h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8")
	rack  = level("rack", "b1r1", "b1r1", "b1r2", "b1r2", "b2r1", "b2r1", "b2r2", "b2r2", "")
	block = level("block", "b1", "b1", "b1", "b1", "b2", "b2", "b2", "b2", "")
)

func TestExamples(t *testing.T) {
	for _, test := range []struct {
		name    string
		free    []int
		gang    placement.Gang
		rules   Rules
		by      *Level
		want    map[string]int
		in      string // the domain that holds all
		finding string
	}{
		{
			name: "required: the rack with the least free capacity left over",
			free: []int{4, 4, 2, 3, 2, 2, 1, 1, 9}, gang: equal(4, 4), rules: Rules{Required: rack},
			by: rack, want: map[string]int{"b2r1": 4}, in: "b2r1",
		},
		{
			name: "required: the first by name of equal racks",
			free: []int{2, 2, 2, 2, 2, 2, 2, 2, 9}, gang: equal(3, 3), rules: Rules{Required: rack},
			by: rack, want: map[string]int{"b1r1": 3}, in: "b1r1",
		},
		{
			name: "required: inside the rack, the fewest nodes",
			free: []int{1, 1, 1, 3, 0, 0, 0, 0, 9}, gang: equal(3, 3), rules: Rules{Required: rack},
			by: host, want: map[string]int{"h2": 1, "h3": 2}, in: "b1r2",
		},
		{
			name: "required: inside the rack, the nodes with the least free capacity first",
			free: []int{3, 1, 4, 4, 4, 4, 4, 4, 9}, gang: equal(1, 1), rules: Rules{Required: rack},
			by: host, want: map[string]int{"h1": 1}, in: "b1r1",
		},
		{
			name: "required: no rack is large enough, and the host without a label does not count",
			free: []int{1, 1, 1, 2, 0, 1, 0, 1, 9}, gang: equal(4, 4), rules: Rules{Required: rack},
			by: rack, want: map[string]int{"b1r2": 3}, in: "b1r2", finding: "only 3 of 4 fit in one rack (the best is b1r2)",
		},
		{
			name: "required: domains of one node",
			free: []int{1, 1, 1, 2, 0, 3, 0, 1, 2}, gang: equal(2, 2), rules: Rules{Required: host},
			by: host, want: map[string]int{"h3": 2}, in: "h3",
		},
		{
			name: "required: of optional members, as many as fit",
			free: []int{1, 1, 3, 2, 2, 2, 0, 1, 9}, gang: equal(6, 2), rules: Rules{Required: rack},
			by: rack, want: map[string]int{"b1r2": 5}, in: "b1r2",
		},
		{
			name: "required: all racks are full",
			free: []int{0, 0, 0, 0, 0, 0, 0, 0, 9}, gang: equal(1, 1), rules: Rules{Required: rack},
			by: rack, want: map[string]int{}, finding: "only 0 of 1 fit in one rack (the best is b1r1)",
		},
		{
			name: "preferred: one rack if there is one",
			free: []int{2, 2, 2, 3, 2, 2, 1, 1, 9}, gang: equal(5, 5), rules: Rules{Preferred: []*Level{rack, block}},
			by: rack, want: map[string]int{"b1r2": 5}, in: "b1r2",
		},
		{
			name: "preferred: else one block, and in it as few racks as possible",
			free: []int{1, 1, 1, 3, 2, 2, 1, 2, 9}, gang: equal(6, 6), rules: Rules{Preferred: []*Level{rack, block}},
			by: rack, want: map[string]int{"b1r1": 2, "b1r2": 4}, in: "b1",
		},
		{
			name: "preferred: else the fewest blocks, the largest first, the last one tight",
			free: []int{2, 2, 2, 2, 2, 2, 2, 3, 9}, gang: equal(11, 11), rules: Rules{Preferred: []*Level{rack, block}},
			by: rack, want: map[string]int{"b1r1": 2, "b2r1": 4, "b2r2": 5},
		},
		{
			name: "preferred: hosts in no domain come last",
			free: []int{1, 1, 1, 1, 1, 1, 1, 1, 9}, gang: equal(10, 10), rules: Rules{Preferred: []*Level{rack, block}},
			by: block, want: map[string]int{"b1": 4, "b2": 4, "": 2},
		},
		{
			name: "preferred inside required",
			free: []int{1, 2, 1, 2, 3, 0, 2, 2, 9}, gang: equal(4, 4), rules: Rules{Required: block, Preferred: []*Level{rack}},
			by: rack, want: map[string]int{"b2r2": 4}, in: "b2r2",
		},
		{
			name: "slices: each in one rack, as few racks as possible, the last one tight",
			free: []int{2, 2, 3, 4, 2, 2, 2, 3, 9}, gang: equal(8, 8), rules: Rules{Slice: rack, SliceSize: 4},
			by: rack, want: map[string]int{"b1r1": 4, "b1r2": 4},
		},
		{
			name: "slices: one smaller chunk for what is left over",
			free: []int{2, 2, 0, 1, 1, 2, 1, 1, 9}, gang: equal(5, 5), rules: Rules{Slice: rack, SliceSize: 4},
			by: rack, want: map[string]int{"b1r1": 4, "b1r2": 1},
		},
		{
			name: "slices: capacity for eight, but not for two chunks of four",
			free: []int{2, 2, 1, 1, 1, 1, 0, 0, 9}, gang: equal(8, 8), rules: Rules{Slice: rack, SliceSize: 4},
			by: rack, want: map[string]int{"b1r1": 4, "b1r2": 2},
			finding: "only 1 of 2 slices of 4 fit, each in one rack",
		},
		{
			name: "slices inside a required block",
			free: []int{2, 2, 1, 1, 2, 2, 2, 2, 9}, gang: equal(8, 8), rules: Rules{Required: block, Slice: rack, SliceSize: 4},
			by: rack, want: map[string]int{"b2r1": 4, "b2r2": 4}, in: "b2",
		},
		{
			name: "slices: no block holds them all",
			free: []int{2, 2, 1, 1, 2, 2, 1, 2, 9}, gang: equal(8, 8), rules: Rules{Required: block, Slice: rack, SliceSize: 4},
			by: rack, want: map[string]int{"b2r1": 4, "b2r2": 3}, in: "b2",
			finding: "only 1 of 2 slices of 4 fit, each in one rack, in one block (the best is b2)",
		},
		{
			name: "spread: the same in each rack, one more where there is the most free capacity",
			free: []int{1, 1, 2, 1, 2, 2, 2, 0, 9}, gang: equal(9, 9), rules: Rules{Spread: rack},
			by: rack, want: map[string]int{"b1r1": 2, "b1r2": 2, "b2r1": 3, "b2r2": 2},
		},
		{
			name: "spread: a rack lacks its share",
			free: []int{4, 4, 4, 4, 1, 0, 4, 4, 9}, gang: equal(8, 8), rules: Rules{Spread: rack},
			by: rack, want: map[string]int{"b1r1": 2, "b1r2": 2, "b2r1": 1, "b2r2": 2},
			finding: "only 1 of 2 fit in b2r1, its share of a spread over rack",
		},
		{
			name: "spread: optional members are left out to stay even",
			free: []int{4, 4, 4, 4, 1, 0, 4, 4, 9}, gang: equal(8, 5), rules: Rules{Spread: rack},
			by: rack, want: map[string]int{"b1r1": 2, "b1r2": 2, "b2r1": 1, "b2r2": 2},
		},
		{
			name: "spread: a rack that no member may use does not count",
			free: []int{4, 4, 4, 4, 0, 0, 4, 4, 9}, gang: equal(6, 6),
			rules: Rules{Spread: rack, Usable: []bool{true, true, true, true, false, false, true, true, true}},
			by:    rack, want: map[string]int{"b1r1": 2, "b1r2": 2, "b2r2": 2},
		},
		{
			name: "spread inside a required block",
			free: []int{4, 4, 4, 4, 2, 0, 1, 1, 9}, gang: equal(4, 4), rules: Rules{Required: block, Spread: rack},
			by: rack, want: map[string]int{"b2r1": 2, "b2r2": 2}, in: "b2",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Find(one(test.free...), Request{Gang: test.gang, Rules: test.rules})
			if diff := gocmp.Diff(test.want, spots(test.by, r.Plan)); diff != "" {
				t.Errorf("members by %s (-want +got):\n%s", test.by.Key, diff)
			}
			in := ""
			if r.Level != nil {
				in = r.Level.Names[r.Domain]
			}
			if in != test.in {
				t.Errorf("the domain that holds all is %q, want %q", in, test.in)
			}
			finding := ""
			if r.Finding != nil {
				finding = r.Finding.String()
			}
			if finding != test.finding || r.Fits != (test.finding == "") {
				t.Errorf("fits %v, %q; want %q", r.Fits, finding, test.finding)
			}
		})
	}
}

// TestRunning shows where members go that come later, or replace others.
func TestRunning(t *testing.T) {
	for _, test := range []struct {
		name    string
		free    []int
		running []int32
		gang    placement.Gang
		rules   Rules
		want    map[string]int // by rack
		finding string
	}{
		{
			name: "required: in the rack in which the gang runs, though another is tighter",
			free: []int{2, 2, 1, 0, 0, 0, 0, 0, 9}, running: []int32{3, 0, 0, 0, 0, 0, 0, 0, 0},
			gang: equal(1, 1), rules: Rules{Required: rack}, want: map[string]int{"b1r1": 1},
		},
		{
			name: "required: nowhere else",
			free: []int{0, 0, 4, 4, 4, 4, 4, 4, 9}, running: []int32{0, 3, 0, 0, 0, 0, 0, 0, 0},
			gang: equal(1, 1), rules: Rules{Required: rack}, want: map[string]int{}, finding: "only 0 of 1 fit in one rack (the best is b1r1)",
		},
		{
			name: "preferred: in the same rack if there is capacity",
			free: []int{2, 2, 1, 0, 0, 0, 0, 0, 9}, running: []int32{3, 0, 0, 0, 0, 0, 0, 0, 0},
			gang: equal(1, 1), rules: Rules{Preferred: []*Level{rack, block}}, want: map[string]int{"b1r1": 1},
		},
		{
			name: "preferred: else in the same block",
			free: []int{0, 0, 2, 2, 1, 0, 0, 0, 9}, running: []int32{3, 0, 0, 0, 0, 0, 0, 0, 0},
			gang: equal(1, 1), rules: Rules{Preferred: []*Level{rack, block}}, want: map[string]int{"b1r2": 1},
		},
		{
			name: "preferred: else no more racks than needed besides those in which it runs",
			free: []int{1, 0, 0, 1, 1, 1, 0, 0, 9}, running: []int32{3, 0, 0, 0, 0, 0, 0, 0, 0},
			gang: equal(3, 3), rules: Rules{Preferred: []*Level{rack}}, want: map[string]int{"b1r1": 1, "b2r1": 2},
		},
		{
			name: "slices: a chunk that misses a member is completed in its rack",
			free: []int{1, 1, 4, 4, 1, 1, 4, 4, 9}, running: []int32{3, 0, 0, 0, 4, 0, 0, 0, 0},
			gang: equal(5, 5), rules: Rules{Slice: rack, SliceSize: 4}, want: map[string]int{"b1r1": 1, "b1r2": 4},
		},
		{
			name: "slices: no second smaller chunk",
			free: []int{0, 0, 4, 4, 1, 1, 4, 4, 9}, running: []int32{3, 0, 0, 0, 4, 0, 0, 0, 0},
			gang: equal(1, 1), rules: Rules{Slice: rack, SliceSize: 4}, want: map[string]int{},
			finding: "only 0 of 1 slices of 4 fit, each in one rack",
		},
		{
			name: "spread: counts start from what runs",
			free: []int{4, 4, 4, 4, 4, 4, 4, 4, 9}, running: []int32{2, 0, 1, 0, 2, 0, 1, 0, 0},
			gang: equal(3, 3), rules: Rules{Spread: rack}, want: map[string]int{"b1r1": 1, "b1r2": 1, "b2r2": 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.rules.Running = test.running
			r := Find(one(test.free...), Request{Gang: test.gang, Rules: test.rules})
			if diff := gocmp.Diff(test.want, spots(rack, r.Plan)); diff != "" {
				t.Errorf("members by rack (-want +got):\n%s", diff)
			}
			finding := ""
			if r.Finding != nil {
				finding = r.Finding.String()
			}
			if finding != test.finding {
				t.Errorf("%q; want %q", finding, test.finding)
			}
		})
	}
}

// TestParts shows a job of a launcher and workers: all in one block, the workers in chunks of two, each in one rack.
func TestParts(t *testing.T) {
	const launcher, workers = 0, 1
	for _, test := range []struct {
		name    string
		free    []int
		workers int
		size    int            // of a chunk; 0 means 2
		want    map[string]int // members by rack
		finding string
		part    int
	}{
		{
			name: "in the block with the least free capacity left over", workers: 4,
			free: []int{3, 2, 2, 3, 2, 1, 1, 2, 9}, want: map[string]int{"b2r1": 3, "b2r2": 2},
		},
		{
			name: "the tighter block has capacity for five, but not for two chunks and the launcher", workers: 4,
			free: []int{3, 2, 2, 3, 3, 0, 1, 0, 1}, want: map[string]int{"b1r1": 5},
		},
		{
			name: "no block has capacity for all", workers: 6,
			free: []int{2, 0, 2, 0, 2, 1, 2, 1, 9}, want: map[string]int{"b2r1": 3, "b2r2": 3},
			finding: "only 6 of 7 fit in one block (the best is b2)", part: -1,
		},
		{
			name: "the chunks first, the launcher where capacity is left", workers: 4,
			free: []int{1, 0, 3, 1, 0, 0, 0, 0, 9}, want: map[string]int{"b1r1": 1, "b1r2": 4},
		},
		{
			name: "capacity for all in one block, but not for a chunk of four in one rack", workers: 4, size: 4,
			free: []int{1, 2, 2, 1, 0, 0, 0, 0, 9}, want: map[string]int{"b1r1": 3, "b1r2": 1},
			finding: "only 0 of 1 slices of 4 fit, each in one rack",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := one(test.free...)
			c = newToy(c.free, [][]int{{1}, {1}})
			gang := placement.Gang{Min: 1 + test.workers, Classes: []placement.Class{
				launcher: {Members: 1, Must: 1, Local: true, Size: 1},
				workers:  {Members: test.workers, Must: test.workers, Local: true, Size: 1},
			}}
			r := Find(c, Request{Gang: gang, Rules: Rules{Required: block}, Parts: []Part{
				{Classes: []int{workers}, Rules: Rules{Slice: rack, SliceSize: cmp.Or(test.size, 2)}},
			}})
			if diff := gocmp.Diff(test.want, spots(rack, r.Plan)); diff != "" {
				t.Errorf("members by rack (-want +got):\n%s", diff)
			}
			finding, part := "", 0
			if r.Finding != nil {
				finding, part = r.Finding.String(), r.Finding.Part
			}
			if finding != test.finding || part != test.part || r.Fits != (test.finding == "") {
				t.Errorf("fits %v, %q of part %d; want %q of %d", r.Fits, finding, part, test.finding, test.part)
			}
		})
	}
}

// TestDomainOfCompletedChunk checks that no rack is reported if a chunk, which is in one block, was completed in another rack than the rest.
func TestDomainOfCompletedChunk(t *testing.T) {
	r := Find(one(3, 0, 1, 0, 0, 0, 0, 0, 0), Request{Gang: equal(2, 2), Rules: Rules{
		Preferred: []*Level{rack}, Slice: block, SliceSize: 2, Running: []int32{1, 0, 0, 0, 0, 0, 0, 0, 0},
	}})
	if diff := gocmp.Diff(map[string]int{"b1r1": 1, "b1r2": 1}, spots(rack, r.Plan)); diff != "" {
		t.Errorf("members by rack (-want +got):\n%s", diff)
	}
	if !r.Fits || r.Level == rack {
		t.Errorf("fits %v, in one rack: %v", r.Fits, r.Level == rack)
	}
}
