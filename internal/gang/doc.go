// Package gang holds what a gang is: its identity, what its members say about it, and the state machine that
// decides when its members may start.
//
// The package is pure. It knows neither Kubernetes clients nor the scheduler, takes the time as an argument, and
// returns decisions that others perform.
package gang
