package conventions

// volcano is Volcano, whose pods carry the size of their group.
func volcano() product {
	return product{
		name: "Volcano", keys: [2]string{"scheduling.k8s.io/group-name", "scheduling.volcano.sh/group-name"},
		size: "scheduling.volcano.sh/group-min-member",
	}
}
