package cycle

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// labelled returns the labels of so many nodes. Each function returns the value of a label for a node, "" if it has none.
func labelled(nodes int, labels map[string]func(int) string) []map[string]string {
	all := make([]map[string]string, nodes)
	for i := range all {
		all[i] = map[string]string{}
		for key, of := range labels {
			if value := of(i); value != "" {
				all[i][key] = value
			}
		}
	}
	return all
}

func TestTopologyKeys(t *testing.T) {
	const region, zone, rack, host = "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "example.com/rack", "kubernetes.io/hostname"
	every := func(n int) func(int) string { return func(i int) string { return fmt.Sprint("d", i/n) } }
	many, asked := map[string]func(int) string{}, map[string]int{}
	for i := range 40 {
		key := fmt.Sprintf("example.com/key-%02d", i)
		many[key], asked[key] = every(2), 100-i
	}
	for _, tc := range []struct {
		name  string
		nodes []map[string]string
		asked map[string]int
		want  []string
	}{
		{name: "no nodes", asked: map[string]int{rack: 1}},
		{
			name:  "the widest first, and none that tells every node from the others",
			nodes: labelled(12, map[string]func(int) string{rack: every(2), zone: every(4), region: every(12), host: every(1)}),
			asked: map[string]int{rack: 1, host: 5, "example.com/of-no-node": 9}, want: []string{region, zone, rack},
		},
		{
			name:  "a label that nobody asks for",
			nodes: labelled(12, map[string]func(int) string{rack: every(2), "team": every(4)}),
		},
		{
			name:  "a label of some nodes",
			nodes: append(labelled(4, map[string]func(int) string{rack: every(2)}), labelled(9, nil)...), asked: map[string]int{rack: 1},
			want: []string{rack},
		},
		{
			name: "users name any number", nodes: labelled(12, many), asked: asked,
			want: []string{
				"example.com/key-00", "example.com/key-01", "example.com/key-02", "example.com/key-03", "example.com/key-04",
				"example.com/key-05", "example.com/key-06", "example.com/key-07",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, topologyKeys(tc.nodes, tc.asked), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the keys (-want +got):\n%s", diff)
			}
		})
	}
}
