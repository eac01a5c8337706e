package workload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// split returns the documents of a manifest that are not empty, as JSON.
func split(manifest []byte) ([][]byte, error) {
	if len(manifest) > MaxBytes {
		return nil, fmt.Errorf("the manifest has %d bytes: at most %d can be read", len(manifest), MaxBytes)
	}
	if trimmed := bytes.TrimSpace(manifest); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) {
		return [][]byte{trimmed}, nil
	}
	var documents [][]byte
	reader := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("dividing the manifest into documents: %w", err)
		}
		document, err := toJSON(text)
		if err != nil {
			return nil, &Error{Document: len(documents) + 1, Detail: err.Error()}
		}
		if len(document) > 0 {
			documents = append(documents, document)
		}
		if len(documents) > MaxObjects {
			return nil, fmt.Errorf("the manifest has more than %d documents: divide it", MaxObjects)
		}
	}
}

// toJSON returns a YAML document as JSON, and nothing for one that is empty.
func toJSON(text []byte) ([]byte, error) {
	var node yamlnode.Node
	if err := yamlnode.Unmarshal(text, &node); err != nil {
		return nil, fmt.Errorf("it is not YAML: %s", firstLine(err))
	}
	if budget := 4 * MaxBytes; !fits(&node, maxDepth, &budget) {
		return nil, errors.New("its fields are nested too deep, or its aliases repeat too much: write the fields out")
	}
	document, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, fmt.Errorf("it is not YAML: %s", firstLine(err))
	}
	if document = bytes.TrimSpace(document); string(document) == "null" {
		return nil, nil
	}
	return document, nil
}

// maxDepth is how deep fields can be nested: no object of Kubernetes comes near.
const maxDepth = 100

// fits reports whether a node, written out without aliases, takes no more bytes than the budget, and no more levels than depth. A few lines
// with aliases of aliases could take all the memory there is, and an alias of itself has no end.
func fits(n *yamlnode.Node, depth int, budget *int) bool {
	if n.Kind == yamlnode.AliasNode {
		n = n.Alias
	}
	if *budget -= len(n.Value) + 1; *budget < 0 || depth < 0 {
		return false
	}
	for _, below := range n.Content {
		if !fits(below, depth-1, budget) {
			return false
		}
	}
	return true
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
	return line
}

// head is what all objects have.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
		Namespace    string `json:"namespace"`
	} `json:"metadata"`
	Items []json.RawMessage `json:"items"`
}

// parseDocument reads an object, or the items of a list.
func parseDocument(number int, document []byte, namespace string) ([]Object, error) {
	object, items, err := readHead(number, "", document, namespace)
	switch {
	case err != nil:
		return nil, err
	case items == nil:
		if err := object.expand(); err != nil {
			return nil, err
		}
		return []Object{*object}, nil
	case len(items) > MaxObjects:
		return nil, object.wrong("items", "there are more than %d items: divide the list", MaxObjects)
	}
	var objects []Object
	var wrong []error
	for i, text := range items {
		kind := strings.TrimSuffix(object.Kind, "List")
		found, below, err := readHead(number, kind, text, namespace)
		if err == nil && below != nil {
			err = object.wrong("", "it is a list: write its items here")
		}
		if err == nil {
			err = found.expand()
		}
		if err != nil {
			wrong = append(wrong, inItem(err, i))
			continue
		}
		objects = append(objects, *found)
	}
	return objects, errors.Join(wrong...)
}

// inItem says in which item of a list an error is.
func inItem(err error, i int) error {
	if wrong, ok := errors.AsType[*Error](err); ok {
		wrong.Field = below(item("items", i), wrong.Field)
	}
	return err
}

// readHead reads what an object says of itself, or returns the items of a list. Items of a list of one kind need not say what they are.
func readHead(number int, kind string, text []byte, namespace string) (o *Object, items []json.RawMessage, err error) {
	o = &Object{Document: number, Namespace: namespace, JSON: text}
	var h head
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &h); err != nil {
		return nil, nil, o.wrong("", "it is not an object of Kubernetes: %s", firstLine(err))
	}
	if h.Kind == "" && kind != "" {
		h.APIVersion, h.Kind = "v1", kind
	}
	o.APIVersion, o.Kind, o.Name = h.APIVersion, h.Kind, h.Metadata.Name
	if h.Metadata.Namespace != "" {
		o.Namespace = h.Metadata.Namespace
	}
	switch {
	case o.Kind == "":
		return nil, nil, o.wrong("kind", "is missing: write the kind of the object, such as Job")
	case o.APIVersion == "":
		return nil, nil, o.wrong("apiVersion", "is missing: write the version of the API, such as batch/v1")
	case o.APIVersion == "v1" && (o.Kind == "List" || o.Kind == "PodList"):
		return o, append([]json.RawMessage{}, h.Items...), nil
	}
	err = o.checkNames(h.Metadata.GenerateName)
	return o, nil, err
}

// checkNames refuses names that no object can have.
func (o *Object) checkNames(generateName string) error {
	name := o.Name
	if name == "" {
		name, o.Generated = strings.TrimRight(generateName, "-."), true
	}
	if o.Name = ""; name == "" {
		return o.wrong("metadata.name", "is missing: name the object")
	}
	for _, problem := range validation.IsDNS1123Subdomain(name) {
		return o.wrong("metadata.name", "%s", problem)
	}
	o.Name = name
	for _, problem := range validation.IsDNS1123Label(o.Namespace) {
		return o.wrong("metadata.namespace", "%s", problem)
	}
	return nil
}
