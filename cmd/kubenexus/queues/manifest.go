package queues

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	v1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// unwrap returns the configuration that the ConfigMap in a manifest has, and a text without a ConfigMap as it is.
func unwrap(text []byte) ([]byte, error) {
	var found []string
	var without string
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		var configMap v1.ConfigMap
		if err := yaml.Unmarshal(document, &configMap); err != nil || configMap.Kind != "ConfigMap" {
			continue // if it is a configuration, Parse says what is wrong with it
		}
		if data, has := configMap.Data[queueconfig.Key]; has {
			found = append(found, data)
		} else {
			without = configMap.Name
		}
	}
	switch {
	case len(found) > 1:
		return nil, fmt.Errorf("%d ConfigMaps have the key %s: the scheduler reads one", len(found), queueconfig.Key)
	case len(found) == 1:
		return []byte(found[0]), nil
	case without != "":
		return nil, fmt.Errorf("ConfigMap %s has no key %s, which the scheduler reads", without, queueconfig.Key)
	}
	return text, nil
}
