// Package doctor judges what was read from a cluster: whether the scheduler is there and well, and whether pods would start as they are.
// It gets the time and what was read as arguments, and returns findings, each with what to do about it.
package doctor
