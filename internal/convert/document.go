package convert

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// document is one of the documents of a manifest.
type document struct {
	text []byte
	// root is nil if the document is not read.
	root    *yaml.Node
	objects []*object
	// list says that the objects are the items of a list.
	list bool
}

// read reads the documents of a file.
func (c *conversion) read(file File) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(file.Text)))
	for i := 1; ; i++ {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = c.parse(source{file.Name, c.file, i}, text)
		}
		if err != nil {
			c.say(c.file, Notice{File: file.Name, Document: i, Failed: true, Text: fmt.Sprintf("reading it: %v; it is written as it was",
				err)})
		}
	}
}

// parse reads the objects of a document. A document that cannot be read is kept as it is.
func (c *conversion) parse(from source, text []byte) error {
	d := &document{text: text}
	c.documents = append(c.documents, d)
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return err
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return nil // nothing but comments
	}
	expanded, err := new(expansion).expand(&root, 0)
	if err != nil {
		return err
	}
	top := expanded.Content[0]
	if top.Kind != yaml.MappingNode {
		return errors.New("it is not a Kubernetes object")
	}
	d.root = expanded
	if list := items(top, "items"); list != nil && strings.HasSuffix(scalar(top, "kind"), "List") {
		d.list = true
		for _, item := range list {
			d.objects = append(d.objects, newObject(from, item))
		}
	} else {
		d.objects = []*object{newObject(from, top)}
	}
	c.objects = append(c.objects, d.objects...)
	return nil
}

// write returns the text of all documents that are left. One in which nothing changed is written as it was.
func (c *conversion) write() []byte {
	var all [][]byte
	for _, d := range c.documents {
		text := d.text
		if slices.ContainsFunc(d.objects, func(o *object) bool { return o.changed }) {
			text = d.encode()
		}
		text = bytes.TrimPrefix(text, []byte("---\n"))
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if !bytes.HasSuffix(text, []byte("\n")) {
			text = append(slices.Clone(text), '\n')
		}
		all = append(all, text)
	}
	return bytes.Join(all, []byte("---\n"))
}

// encode writes the objects of the document.
func (d *document) encode() []byte {
	var written []*yaml.Node
	for _, o := range d.objects {
		if o.written == nil {
			written = append(written, o.node)
		}
		written = append(written, o.written...)
	}
	if len(written) == 0 {
		return nil
	}
	indented := indentsSequences(d.root)
	json := d.root.Content[0].Style&yaml.FlowStyle != 0
	if d.list {
		field(d.root.Content[0], "items").Content = written
		written = []*yaml.Node{d.root.Content[0]}
	}
	var all [][]byte
	for i, n := range written {
		if i == 0 { // it keeps the comments around the document
			d.root.Content[0] = n
			n = d.root
		}
		if json {
			quote(n)
		}
		all = append(all, encode(n, indented))
	}
	return bytes.Join(all, []byte("---\n"))
}

// quote puts all texts of a document in JSON into quotes, also those that are new.
func quote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quote(child)
	}
}

// encode writes a node. Sequences are indented below their keys, or not, as they were.
func encode(n *yaml.Node, indented bool) []byte {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if !indented {
		encoder.CompactSeqIndent()
	}
	if err := encoder.Encode(n); err != nil { // nodes that were read can be written
		return fmt.Appendf(nil, "# %v\n", err)
	}
	return b.Bytes()
}

// indentsSequences reports whether the first sequence below a key is indented.
func indentsSequences(n *yaml.Node) bool {
	found, indented := false, false
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		for i, child := range n.Content {
			if found {
				return
			}
			if n.Kind == yaml.MappingNode && i%2 == 1 && child.Kind == yaml.SequenceNode && child.Style&yaml.FlowStyle == 0 {
				found, indented = true, child.Column > n.Content[i-1].Column
			}
			look(child)
		}
	}
	look(n)
	return indented
}
