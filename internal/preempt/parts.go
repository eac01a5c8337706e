package preempt

// parts adds up what pods free on nodes.
type parts struct {
	resources int
	at        []int   // by node: 1 + the index of its part, in the unit at hand
	list      []part  // for all units
	amounts   []int64 // for all units
}

func newParts(nodes, resources, pods int) *parts {
	return &parts{resources, make([]int, nodes), make([]part, 0, pods), make([]int64, pods*resources)}
}

func (ps *parts) of(pods []VictimPod) []part {
	begin := len(ps.list)
	for i := range pods {
		pod := &pods[i]
		if pod.Node < 0 || pod.Node >= len(ps.at) {
			continue
		}
		if ps.at[pod.Node] == 0 {
			frees := ps.amounts[:ps.resources:ps.resources]
			ps.amounts = ps.amounts[ps.resources:]
			ps.list = append(ps.list, part{pod.Node, frees})
			ps.at[pod.Node] = len(ps.list)
		}
		frees := ps.list[ps.at[pod.Node]-1].frees
		for r := range min(len(frees), len(pod.Requests)) {
			frees[r] += pod.Requests[r]
		}
	}
	list := ps.list[begin:len(ps.list):len(ps.list)]
	for _, part := range list {
		ps.at[part.node] = 0
	}
	return list
}
