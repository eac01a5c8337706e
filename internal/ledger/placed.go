package ledger

import (
	"bytes"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
)

// PlacedAnnotation marks, in the scheduler's own copy of a pod, that the pod was created with a node. It stands in for the managed fields,
// which the copy does not keep.
const PlacedAnnotation = "kubenexus.io/created-with-node"

// Placed says whether whoever created the pod chose its node: no scheduler was asked, so it tells nothing of the rest of its gang. The API
// server notes an owner for each field that is created or updated, and none for what a bind writes.
func Placed(pod *corev1.Pod) bool {
	if pod.Spec.NodeName == "" {
		return false
	}
	if _, marked := pod.Annotations[PlacedAnnotation]; marked {
		return true
	}
	for _, entry := range pod.ManagedFields {
		if entry.FieldsV1 == nil || !bytes.Contains(entry.FieldsV1.GetRawBytes(), []byte(`"f:nodeName"`)) {
			continue // which costs little: nearly no pod has it
		}
		var owned struct {
			Spec struct {
				NodeName json.RawMessage `json:"f:nodeName"`
			} `json:"f:spec"`
		}
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned) == nil && owned.Spec.NodeName != nil {
			return true
		}
	}
	return false
}
