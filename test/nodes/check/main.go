//go:build linux

// Check says whether the tests on real nodes can run on this machine, before what they need is built. If they cannot, it says why, and ends
// with an error.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/sandbox"
)

func main() {
	if missing := sandbox.Missing(); len(missing) > 0 {
		fmt.Println("SKIPPED: real nodes cannot run here: " + strings.Join(missing, "; ") + ". Debian has what nodes need in the " +
			"packages containerd, runc, containernetworking-plugins and iproute2.")
		os.Exit(1)
	}
}
