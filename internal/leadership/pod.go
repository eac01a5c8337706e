// Package leadership shortens the time without a leader, and says whether a replica that does not lead could take over.
//
// A leader that crashed still holds its lease, and everyone else waits until that ends. Lock does not wait if it is certain that the
// process which holds the lease has ended. docs/adr/0027-a-short-time-without-leader.md.
package leadership

import "strings"

// Pod is the pod that a process runs in. The zero value is a process that runs elsewhere, or does not know.
type Pod struct {
	Namespace, Name, UID string
}

// Known reports whether all of the pod is known.
func (p Pod) Known() bool { return p.Namespace != "" && p.Name != "" && p.UID != "" }

// between separates the parts of an identity. It cannot be in the name of a pod, nor in a UID.
const between = "_"

// Identity returns who a process of this pod is in the election. Each process needs a unique text of its own.
func (p Pod) Identity(unique string) string {
	return strings.Join([]string{p.Name, p.UID, unique}, between)
}

// podOf returns the pod that the identity names, or nothing if it was not made by Identity. kube-scheduler's has only the name of the
// host, which another pod of that name may have had before.
func podOf(identity string) (name, uid string) {
	parts := strings.Split(identity, between)
	if len(parts) != 3 {
		return "", ""
	}
	return parts[0], parts[1]
}

// hadBefore reports whether the holder is an earlier process of this pod. own is the identity of this process.
func (p Pod) hadBefore(holder, own string) bool {
	name, uid := podOf(holder)
	return p.Known() && holder != own && name == p.Name && uid == p.UID
}
