package metrics

//nolint:gochecknoglobals // a table that is never changed
var (
	devicesFree = entry{
		"kubenexus_devices_free", "gauge",
		"Devices on schedulable, ready nodes that no pod and no slot uses.",
		[]string{"resource"},
	}
	devicesFreeWhole = entry{
		"kubenexus_devices_free_on_free_nodes", "gauge",
		"Devices on schedulable, ready nodes of which all devices of the resource are free.",
		[]string{"resource"},
	}
	devicesDomain = entry{
		"kubenexus_devices_free_in_domain", "gauge",
		"Free devices in the domain of a node label: the nodes with that value. No series for keys with more than 200 domains, nor for " +
			"single nodes.",
		[]string{"resource", "key", "domain"},
	}
	devicesGang = entry{
		"kubenexus_devices_largest_gang_members", "gauge",
		"Members with so many devices each (label devices: 1, 2, 4 or 8) for which devices are free in the best domain of the key. Other " +
			"resources, taints, and capacity that is set aside are not considered, so it is a bound from above.",
		[]string{"resource", "key", "devices"},
	}
	devicesHidden = entry{
		"kubenexus_devices_without_series", "gauge",
		"What has no series of devices, by kind: resources beyond 16, keys beyond 8, domains of keys with more than 200.",
		[]string{"kind"},
	}
)

// ofDevices lists the metrics that are computed from the devices of the nodes.
func ofDevices() []entry {
	return []entry{devicesFree, devicesFreeWhole, devicesDomain, devicesGang, devicesHidden}
}
