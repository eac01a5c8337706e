package conventions

// koordinator is Koordinator's gang scheduling. Its groups of gangs are not supported.
func koordinator() product {
	return product{
		name: "Koordinator", keys: [2]string{"gang.scheduling.koordinator.sh/name"},
		size: "gang.scheduling.koordinator.sh/min-available", more: "gang.scheduling.koordinator.sh/groups",
	}
}
