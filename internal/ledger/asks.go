package ledger

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// asksOf returns what the members that a gang needs request together, and which members are not needed, by their places in the task.
func (l *Ledger) asksOf(task gang.Task) (needs queue.Vector, extra []int) {
	left, must := task.Need, map[string]int{}
	for _, role := range task.Roles {
		must[role.Name] = role.Must - role.Declared
		if role.Declared > 0 {
			needs.Add(l.vectorOfRole(role.Role), int64(role.Declared))
			left -= role.Declared
		}
	}
	var others []int
	for i := range task.Members {
		if role := roleOf(task, i); must[role] > 0 {
			must[role]--
			left--
			needs.Add(l.asksOfMember(task.Members[i]), 1)
		} else {
			others = append(others, i)
		}
	}
	for i, other := range others {
		if left <= 0 {
			return needs, others[i:]
		}
		left--
		needs.Add(l.asksOfMember(task.Members[other]), 1)
	}
	return needs, nil
}

func roleOf(task gang.Task, member int) string {
	if member < len(task.MemberRoles) {
		return task.MemberRoles[member]
	}
	return ""
}

func (l *Ledger) asksOfMember(ref gang.Ref) queue.Vector {
	if r := l.records[types.UID(ref.UID)]; r != nil {
		return r.asks
	}
	return nil
}

// within returns the task with as many of the members that are not needed as the limits of the gang's queue allow. It returns false if the
// limits do not even allow those that are needed.
func (l *Ledger) within(g *gang.Gang, task gang.Task) (gang.Task, queue.Why, bool) {
	leaf := l.leafOf(g.Key.Namespace, g.Queue())
	needs, extra := l.asksOf(task)
	why, may := l.tree.May(leaf, needs, g.NonPreemptible())
	if !may || len(extra) == 0 {
		return task, why, may
	}
	out := map[int]bool{}
	for _, i := range extra {
		with := needs.Clone()
		with.Add(l.asksOfMember(task.Members[i]), 1)
		if _, fits := l.tree.May(leaf, with, g.NonPreemptible()); fits {
			needs = with
		} else {
			out[i] = true
		}
	}
	if len(out) == 0 {
		return task, why, true
	}
	fewer := task
	fewer.Members, fewer.MemberRoles = nil, nil
	for i, ref := range task.Members {
		if out[i] {
			continue
		}
		fewer.Members = append(fewer.Members, ref)
		if i < len(task.MemberRoles) {
			fewer.MemberRoles = append(fewer.MemberRoles, task.MemberRoles[i])
		}
	}
	return fewer, why, true
}
