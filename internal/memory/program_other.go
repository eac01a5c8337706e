//go:build !linux

package memory

// dropProgram does nothing: the scheduler is not deployed on this system.
func dropProgram() {}
