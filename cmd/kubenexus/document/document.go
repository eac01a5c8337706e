// Package document writes what commands print with -o json and -o yaml.
package document

import (
	"encoding/json"
	"io"

	"sigs.k8s.io/yaml"
)

// JSON writes something as JSON.
func JSON(out io.Writer, of any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(of)
}

// YAML writes something as YAML. The fields have the names that they have in JSON.
func YAML(out io.Writer, of any) error {
	text, err := yaml.Marshal(of)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
