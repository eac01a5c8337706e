package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine describes the machine and the versions that the figures come from.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	OS     string `json:"os"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Commit string `json:"commit"`
	Date   string `json:"date"`
	// Load is the load average at the start. More than a few tenths means that the machine was busy with other work.
	Load string `json:"load"`
}

const unknown = "unknown"

// ThisMachine describes this machine. What it cannot find out is "unknown".
func ThisMachine(ctx context.Context) Machine {
	return Machine{
		CPU:    value("/proc/cpuinfo", "model name", ":"),
		Cores:  runtime.NumCPU(),
		Memory: memory(value("/proc/meminfo", "MemTotal", ":")),
		OS:     strings.Trim(value("/etc/os-release", "PRETTY_NAME", "="), `"`),
		Kernel: line("/proc/sys/kernel/osrelease"),
		Go:     runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Commit: commit(ctx),
		Date:   time.Now().UTC().Format(time.RFC3339),
		Load:   load(line("/proc/loadavg")),
	}
}

// value returns the value of a key in a file.
func value(path, key, separator string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	for l := range strings.Lines(string(data)) {
		name, value, found := strings.Cut(l, separator)
		if found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

func line(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(data))
}

// load returns the three averages in /proc/loadavg.
func load(text string) string {
	fields := strings.Fields(text)
	return strings.Join(fields[:min(len(fields), 3)], " ")
}

func memory(text string) string {
	var kilobytes float64
	if _, err := fmt.Sscanf(text, "%f kB", &kilobytes); err != nil {
		return unknown
	}
	return fmt.Sprintf("%.1f GiB", kilobytes/1024/1024)
}

func commit(ctx context.Context) string {
	hash, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return unknown
	}
	changes, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output()
	if err != nil || len(changes) > 0 {
		return strings.TrimSpace(string(hash)) + " and changes"
	}
	return strings.TrimSpace(string(hash))
}
