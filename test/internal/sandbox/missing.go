//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// plugins are the network plugins that a node needs.
var plugins = []string{"bridge", "host-local", "loopback"}

// Missing says what this machine lacks to run real nodes, or returns nil if it has all.
func Missing() []string {
	var missing []string
	if os.Geteuid() != 0 {
		return []string{"it needs root"}
	}
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, "the program "+program+" is not installed")
		}
	}
	if PluginDir() == "" {
		missing = append(missing, "the network plugins "+strings.Join(plugins, ", ")+" are not installed")
	}
	if err := canUnshare(); err != nil {
		missing = append(missing, fmt.Sprintf("namespaces cannot be created: %v", err))
	}
	if lacks := missingCgroups(); len(lacks) > 0 {
		return append(missing, lacks...)
	}
	if err := canMakeCgroups(); err != nil {
		missing = append(missing, fmt.Sprintf("cgroups cannot be made: %v", err))
	}
	return missing
}

// PluginDir returns the directory of the network plugins, or "".
func PluginDir() string {
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if !slices.ContainsFunc(plugins, func(name string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err != nil
		}) {
			return dir
		}
	}
	return ""
}

func canUnshare() error {
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	return cmd.Run()
}
