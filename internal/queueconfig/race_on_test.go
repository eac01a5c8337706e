//go:build race

package queueconfig_test

// slack is by how much more may be allocated: with the race detector, pools keep less, such as those of regular expressions.
const slack = 4
