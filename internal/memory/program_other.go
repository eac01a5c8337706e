//go:build !linux

package memory

// dropProgram does nothing: this is no system that the scheduler is installed on.
func dropProgram() {}
