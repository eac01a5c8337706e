// Package proc reads the resource usage of a process from /proc.
package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/<pid>/stat: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// Usage is the resource usage of a process. Sizes are in bytes.
type Usage struct {
	CPU time.Duration // user and system time of all threads
	// PeakRSS is the peak of the resident memory, including the program's own pages in the page cache.
	PeakRSS uint64
	// RSS is the resident memory: Anon, which no file backs (heap and stacks), and File, the program's own pages.
	RSS, Anon, File uint64
}

// Read returns the usage of the process.
func Read(pid int) (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the CPU time of process %d: %w", pid, err)
	}
	cpu, err := parseStat(string(stat))
	if err != nil {
		return Usage{}, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	usage, err := parseStatus(string(status))
	if err != nil {
		return Usage{}, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	usage.CPU = cpu
	return usage, nil
}

// parseStat returns the CPU time in /proc/<pid>/stat. The second field is the name in parentheses, which may contain anything, so fields
// are counted from the last parenthesis.
func parseStat(stat string) (time.Duration, error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	const utime, stime = 11, 12 // fields 14 and 15 of proc(5)
	if end < 0 || len(fields) <= stime {
		return 0, fmt.Errorf("unexpected stat %q", stat)
	}
	var ticks int64
	for _, field := range []string{fields[utime], fields[stime]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("unexpected stat %q: %w", stat, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// parseStatus returns the sizes in /proc/<pid>/status.
func parseStatus(status string) (Usage, error) {
	var u Usage
	wanted := map[string]*uint64{"VmHWM": &u.PeakRSS, "VmRSS": &u.RSS, "RssAnon": &u.Anon, "RssFile": &u.File}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		size, ok := wanted[name]
		if !ok {
			continue
		}
		kilobytes, found := strings.CutSuffix(strings.TrimSpace(value), " kB")
		n, err := strconv.ParseUint(kilobytes, 10, 64)
		if err != nil || !found {
			return Usage{}, fmt.Errorf("unexpected line %q", line)
		}
		*size = n * 1024
		delete(wanted, name)
	}
	if len(wanted) > 0 { // a zombie has no memory
		return Usage{}, fmt.Errorf("no sizes in %q", status)
	}
	return u, nil
}
