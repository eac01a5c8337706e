// Package dryrun is the flag --dry-run of commands that change something.
package dryrun

import (
	"fmt"

	"github.com/spf13/pflag"
)

// Strategy is a value of --dry-run.
type Strategy string

// The values of --dry-run.
const (
	// None does what the user asks for.
	None Strategy = "none"
	// Client changes nothing, and asks nobody.
	Client Strategy = "client"
	// Server has the API server check it too.
	Server Strategy = "server"
)

// AddFlag adds --dry-run. client says in the help what the command does with the value client.
func (s *Strategy) AddFlag(flags *pflag.FlagSet, client string) {
	flags.StringVar((*string)(s), "dry-run", string(None), "none; client: "+client+"; server: let the API server check it too")
}

// Check refuses values that there are not.
func (s *Strategy) Check() error {
	switch *s {
	case None, Client, Server:
		return nil
	}
	return fmt.Errorf("--dry-run is %q: it can be none, client or server", string(*s))
}
