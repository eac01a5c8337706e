// Package exit has the exit codes of the kubenexus command.
package exit

import "errors"

// The codes besides 0.
const (
	Failed      = 1
	TimedOut    = 124
	Interrupted = 130
)

// Error is an error with an exit code of its own.
type Error struct {
	Code int
	Err  error
}

// Error returns the text of the error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without its exit code.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the exit code of an error: its own, or Failed.
func CodeOf(err error) int {
	if err == nil {
		return 0
	}
	if coded, has := errors.AsType[*Error](err); has {
		return coded.Code
	}
	return Failed
}
