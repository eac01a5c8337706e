//go:build !race

package queueconfig_test

// slack is by how much more may be allocated than without the race detector.
const slack = 1
