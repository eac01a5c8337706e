package queues

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// unwrap returns the configuration that the ConfigMap in a manifest has, and a text without a ConfigMap as it is. The error is of type
// queueconfig.Problems if the scheduler refuses the ConfigMap.
func unwrap(text []byte) ([]byte, error) {
	var found, without []v1.ConfigMap
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
		_, has := configMap.Data[queueconfig.Key]
		_, binary := configMap.BinaryData[queueconfig.Key]
		if has || binary {
			found = append(found, configMap)
		} else {
			without = append(without, configMap)
		}
	}
	switch all := slices.Concat(found, without); {
	case len(found) > 1:
		return nil, fmt.Errorf("%d ConfigMaps have the key %s: the scheduler reads one", len(found), queueconfig.Key)
	case len(all) == 0:
		return text, nil
	default:
		data, err := queueconfig.Text(&all[0])
		return []byte(data), err
	}
}
