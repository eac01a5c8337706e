// Package gang models a gang: its identity, what its members declare, and the state machine that decides when its members may
// start.
//
// The package is pure. It knows neither Kubernetes clients nor the scheduler, takes the time as an argument, and returns decisions
// that its callers carry out.
package gang
