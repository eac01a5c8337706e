package convert

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// field returns the node at a path of keys below a mapping, or nil.
func field(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		i := indexOf(n, key)
		if i < 0 {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}

// indexOf returns where a key is among the contents of a mapping, or -1.
func indexOf(n *yaml.Node, key string) int {
	if n == nil || n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// scalar returns the text of the scalar at a path, or "".
func scalar(n *yaml.Node, path ...string) string {
	if n = field(n, path...); n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// number returns the number at a path, and whether there is one.
func number(n *yaml.Node, path ...string) (int, bool) {
	i, err := strconv.ParseInt(scalar(n, path...), 10, 32)
	return int(i), err == nil
}

// items returns the items of the sequence at a path.
func items(n *yaml.Node, path ...string) []*yaml.Node {
	if n = field(n, path...); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// keys returns the keys of a mapping in their order.
func keys(n *yaml.Node) []string {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var all []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		all = append(all, n.Content[i].Value)
	}
	return all
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func numberNode(i int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(i)}
}

// mapping returns a mapping of these keys and values.
func mapping(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(pairs); i += 2 {
		value, isNode := pairs[i+1].(*yaml.Node)
		if !isNode {
			value = textNode(fmt.Sprint(pairs[i+1]))
		}
		n.Content = append(n.Content, textNode(fmt.Sprint(pairs[i])), value)
	}
	return n
}

// set gives a key of a mapping a value. A key that is new comes at the index at.
func set(n *yaml.Node, at int, key string, value *yaml.Node) {
	if i := indexOf(n, key); i >= 0 {
		value.LineComment = n.Content[i+1].LineComment
		n.Content[i+1] = value
		return
	}
	if len(n.Content) == 0 {
		n.Style = 0 // an empty mapping is written {}
	}
	n.Content = slices.Insert(n.Content, min(at, len(n.Content)), textNode(key), value)
}

// remove takes a key out of a mapping, and reports whether it was there.
func remove(n *yaml.Node, key string) bool {
	i := indexOf(n, key)
	if i >= 0 {
		n.Content = slices.Delete(n.Content, i, i+2)
	}
	return i >= 0
}

// below returns the mapping at a key, which it makes if there is none. A new one comes at the index at.
func below(n *yaml.Node, at int, key string) *yaml.Node {
	if child := field(n, key); child != nil && child.Kind == yaml.MappingNode {
		return child
	}
	set(n, at, key, mapping())
	return field(n, key)
}

// maxNodes is how many nodes a document may have once its aliases are followed: more than the largest object that an API server takes.
const maxNodes = 1 << 18

// maxDepth is how deep the nodes of a document may be.
const maxDepth = 256

// expansion replaces aliases by copies of what they stand for, so that what is written into one place does not show in another.
type expansion struct{ nodes int }

func (e *expansion) expand(n *yaml.Node, depth int) (*yaml.Node, error) {
	if e.nodes++; e.nodes > maxNodes || depth > maxDepth {
		return nil, fmt.Errorf("it has more than %d values, or more than %d levels", maxNodes, maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return e.expand(n.Alias, depth+1)
	}
	copied := *n
	copied.Anchor, copied.Content = "", make([]*yaml.Node, 0, len(n.Content))
	for _, child := range n.Content {
		child, err := e.expand(child, depth+1)
		if err != nil {
			return nil, err
		}
		copied.Content = append(copied.Content, child)
	}
	if n.Kind == yaml.MappingNode {
		merge(&copied)
	}
	return &copied, nil
}

// merge replaces the merge key of a mapping by the keys that it adds.
func merge(n *yaml.Node) {
	i := indexOf(n, "<<")
	if i < 0 || n.Content[i].Tag != "!!merge" {
		return
	}
	from := []*yaml.Node{n.Content[i+1]}
	if from[0].Kind == yaml.SequenceNode {
		from = from[0].Content
	}
	n.Content = slices.Delete(n.Content, i, i+2)
	has := map[string]bool{}
	for _, own := range keys(n) {
		has[own] = true
	}
	for _, source := range from {
		for j := 0; source.Kind == yaml.MappingNode && j+1 < len(source.Content); j += 2 {
			if added := source.Content[j].Value; !has[added] {
				has[added] = true
				n.Content = append(n.Content, source.Content[j], source.Content[j+1])
			}
		}
	}
}

// clone returns a copy of a node that has no aliases.
func clone(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	copied := *n
	copied.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		copied.Content[i] = clone(child)
	}
	return &copied
}
