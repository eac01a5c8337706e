// Package queueconfig reads the configuration of queues: strictly, and so that whatever is wrong is named by its field. Its input is
// not trusted: what it costs is bounded by the length of the text, also where aliases repeat parts of it.
package queueconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

const (
	// DefaultName is the name of the ConfigMap that the configuration is read from, unless GangQueue's arguments name another.
	DefaultName = "kubenexus-queues"
	// Key is the ConfigMap's key that has the configuration.
	Key = "queues.yaml"
	// APIVersion is the version that a configuration states.
	APIVersion = "kubenexus.io/v1alpha1"
	// Kind is the kind that a configuration states.
	Kind = "QueueConfiguration"
)

// maxText is the length in bytes of the longest text that is read. The API server takes no longer ConfigMap.
const maxText = 1 << 20

// Parse reads a configuration of queues and checks it. Whatever a queue leaves out is filled in: from its parent, as queue.Queue says, or
// else with the default; a guarantee that it does not state for a resource is the sum of what its children are guaranteed. Where no
// queue is named queue.Default, one with the defaults is added. The error is of type Problems.
func Parse(text []byte) (queue.Config, error) {
	r := &reader{names: map[string]string{}, resources: map[string]bool{}}
	if root := r.document(text); root != nil {
		config := r.config(root)
		if err := r.err(); err == nil {
			return config, nil
		}
	}
	return queue.Config{}, r.err()
}

// reader reads one configuration.
type reader struct {
	problems Problems
	// queues and patterns count what was read in the whole tree. full is true if no more is read.
	queues, patterns int
	full             bool
	// names has the path of each queue by its name.
	names map[string]string
	// resources are the names of all resources in guarantees and limits.
	resources map[string]bool
}

// document returns the one document of the text, or nil if there is none.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > maxText {
		r.say(fmt.Sprintf("the text has %d bytes: at most %d are read", len(text), maxText))
		return nil
	}
	var found *yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var next yaml.Node
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF) && found == nil:
			return r.empty()
		case errors.Is(err, io.EOF):
			shorten(found)
			return found
		case err != nil:
			return r.notYAML(err)
		case isNull(next.Content[0]): // there is nothing between two ---, or behind the last one
		case found != nil:
			r.say("there are several documents: write one, without --- in between")
			return nil
		default:
			found = next.Content[0]
		}
	}
}

func (r *reader) empty() *yaml.Node {
	r.say(fmt.Sprintf("there is nothing in it: write apiVersion: %s, kind: %s and queues", APIVersion, Kind))
	return nil
}

func (r *reader) notYAML(err error) *yaml.Node {
	r.say("not YAML: " + cut(strings.TrimPrefix(err.Error(), "yaml: "), 200))
	return nil
}

// config reads the whole configuration.
func (r *reader) config(root *yaml.Node) queue.Config {
	if !r.untagged(nil, root) {
		return queue.Config{}
	}
	fields, ok := r.mapping(nil, root, "apiVersion", "kind", "queues")
	if !ok {
		return queue.Config{}
	}
	r.constant(field.NewPath("apiVersion"), fields["apiVersion"], APIVersion)
	r.constant(field.NewPath("kind"), fields["kind"], Kind)
	path := field.NewPath("queues")
	if fields["queues"] == nil { // as in a file that was cut off
		r.report(field.Required(path, fmt.Sprintf("write the queues, or [] if there is only queue %s", queue.Default)))
	}
	queues := r.list(path, fields["queues"], queue.NewQueue(""), 1)
	r.isFull()
	r.guarantees(path, queues, nil)
	if _, there := r.names[queue.Default]; !there {
		queues = append(queues, queue.NewQueue(queue.Default))
	}
	return queue.Config{Queues: queues}
}
