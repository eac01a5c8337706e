package answers

import (
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// QueuesOf returns queues as they are answered: statuses and resources are those of one ledger, the statuses taken first.
func QueuesOf(statuses []queue.Status, resources []queue.Resource) Queues {
	all := Queues{Items: make([]Queue, 0, len(statuses)), Capacity: map[string]string{}}
	for _, r := range resources {
		if r.Total != 0 {
			all.Capacity[r.Name] = queueconfig.Quantity(r.Name, r.Total)
		}
	}
	depths := make(map[string]int, len(statuses))
	for i := range statuses {
		s := &statuses[i]
		if s.Parent != "" {
			depths[s.Name] = depths[s.Parent] + 1 // parents come first
		}
		all.Items = append(all.Items, Queue{
			Name: s.Name, Parent: s.Parent, Depth: depths[s.Name], Weight: s.Weight,
			Uses: quantitiesOf(s.Used, resources), FairShare: quantitiesOf(s.Fair, resources),
			Guarantee: stated(s.Guarantee), Limit: stated(s.Limit),
			Share: s.Share, Waiting: s.Waiting, OldestAt: s.HeadAge,
		})
	}
	return all
}

// quantitiesOf returns the amounts that are not zero.
func quantitiesOf(amounts queue.Vector, resources []queue.Resource) map[string]string {
	quantities := map[string]string{}
	for i, r := range resources {
		if amount := amounts.Get(i); amount != 0 {
			quantities[r.Name] = queueconfig.Quantity(r.Name, amount)
		}
	}
	return quantities
}

// stated returns the amounts of a configuration. One that is zero says something: a limit of 0 allows nothing.
func stated(amounts queue.Amounts) map[string]string {
	quantities := make(map[string]string, len(amounts))
	for name, amount := range amounts {
		quantities[name] = queueconfig.Quantity(name, amount)
	}
	return quantities
}
