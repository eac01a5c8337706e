package queueconfig_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

func TestTheTextOfAConfigMap(t *testing.T) {
	many := map[string]string{}
	for i := range 10 {
		many[fmt.Sprint("k", i)] = ""
	}
	for _, test := range []struct {
		name   string
		data   map[string]string
		binary map[string][]byte
		want   string
		says   string
	}{
		{name: "the key", data: map[string]string{"queues.yaml": "a"}, want: "a"},
		{name: "an empty text, which Parse refuses", data: map[string]string{"queues.yaml": ""}},
		{
			name: "other keys beside it", data: map[string]string{"queues.yaml": "a", "queue.yaml": "b"},
			binary: map[string][]byte{"logo": nil}, want: "a",
		},
		{name: "no keys", says: "data[queues.yaml]: Required value: the ConfigMap is empty: write this key, or delete the ConfigMap, and there is one queue"},
		{
			name: "another key", data: map[string]string{"queue.yaml": "a"}, binary: map[string][]byte{"logo": nil},
			says: "data[queues.yaml]: Required value: the scheduler reads this key, and the ConfigMap has queue.yaml, logo",
		},
		{
			name: "many keys", data: many,
			says: "data[queues.yaml]: Required value: the scheduler reads this key, and the ConfigMap has k0, k1, k2, k3, k4 and 5 more",
		},
		{
			name: "not UTF-8", binary: map[string][]byte{"queues.yaml": {0xff}},
			says: "binaryData[queues.yaml]: Forbidden: kubectl puts a file there that is not in UTF-8: save it in UTF-8, so that it is in data",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := queueconfig.Text(&v1.ConfigMap{Data: test.data, BinaryData: test.binary})
			said := ""
			if err != nil {
				said = err.Error()
			}
			if got != test.want || said != test.says {
				t.Errorf("text %q, error %s; want %q, %s", got, said, test.want, test.says)
			}
			if _, is := errors.AsType[queueconfig.Problems](err); err != nil && !is {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

// An event has room for some of many problems. It always says how many more there are.
func TestProblemsWithinARoom(t *testing.T) {
	problems := queueconfig.Problems{Listed: []string{"first problem", "second problem", "third problem"}, More: 4}
	for limit, want := range map[int]string{
		100: "first problem; second problem; third problem; and 4 more",
		56:  "first problem; second problem; third problem; and 4 more",
		55:  "first problem; second problem; and 5 more",
		40:  "first problem; and 6 more",
		25:  "first problem; and 6 more",
		24:  "first pro...; and 6 more",
		5:   "...; and 6 more",
	} {
		if got := problems.Within(limit); got != want {
			t.Errorf("within %d bytes: %s; want %s", limit, got, want)
		}
	}
	one := queueconfig.Problems{Listed: []string{strings.Repeat("x", 50)}}
	if got := one.Within(20); len(got) != 20 {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
