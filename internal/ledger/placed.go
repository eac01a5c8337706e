package ledger

import (
	"bytes"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
)

// PlacedAnnotation marks, in the scheduler's own copy of a pod, that the pod was created with a node. The copy has no managed
// fields.
const PlacedAnnotation = "kubenexus.io/created-with-node"

// Placed reports whether the pod was created with a node. No scheduler chose that node, so it does not mean that the pod's gang has
// started. The API server records an owner for each field that is created or updated, but not for the node that a bind sets.
func Placed(pod *corev1.Pod) bool {
	if pod.Spec.NodeName == "" {
		return false
	}
	if _, marked := pod.Annotations[PlacedAnnotation]; marked {
		return true
	}
	for _, entry := range pod.ManagedFields {
		if entry.FieldsV1 == nil || !bytes.Contains(entry.FieldsV1.GetRawBytes(), []byte(`"f:nodeName"`)) {
			continue // a cheap check: few pods have the field
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
