package queueconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxKeys is how many keys of a ConfigMap a problem names.
const maxKeys = 5

// Text returns the configuration that a ConfigMap has, which Parse reads. Other keys beside it do not count: tools and people add some,
// such as a README. The error is of type Problems.
func Text(configMap *v1.ConfigMap) (string, error) {
	text, has := configMap.Data[Key]
	if has {
		return text, nil
	}
	if _, binary := configMap.BinaryData[Key]; binary {
		return "", problem(field.Forbidden(field.NewPath("binaryData").Key(Key),
			"kubectl puts a file there that is not in UTF-8: save it in UTF-8, so that it is in data"))
	}
	keys := slices.Sorted(maps.Keys(configMap.Data))
	keys = append(keys, slices.Sorted(maps.Keys(configMap.BinaryData))...)
	detail := "the ConfigMap is empty: write this key, or delete the ConfigMap, and there is one queue"
	if len(keys) > 0 {
		detail = "the scheduler reads this key, and the ConfigMap has " + named(keys)
	}
	return "", problem(field.Required(field.NewPath("data").Key(Key), detail))
}

// named returns some of the keys.
func named(keys []string) string {
	var some []string
	for _, key := range keys[:min(len(keys), maxKeys)] {
		some = append(some, cut(key, maxShown))
	}
	text := strings.Join(some, ", ")
	if more := len(keys) - len(some); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func problem(e *field.Error) Problems { return Problems{Listed: []string{e.Error()}} }
