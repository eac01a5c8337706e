package memory

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

// dropProgram takes the program's pages out of the process. They come back from the page cache, one by one, when they are
// used: what runs, and not what only the start needed. See madvise(2), MADV_DONTNEED.
func dropProgram() {
	self, err := os.Executable()
	if err != nil {
		klog.Background().V(4).Info("The program's pages stay in memory", "err", err)
		return
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		klog.Background().V(4).Info("The program's pages stay in memory", "err", err)
		return
	}
	for _, m := range untouched(string(text), self) {
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
		if errno != 0 {
			klog.Background().V(4).Info("A part of the program stays in memory", "from", m.start, "to", m.end, "err", errno)
		}
	}
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// untouched returns where a /proc/<pid>/smaps says that the file is mapped and the process has not written: pages that it
// wrote, as a loader does that relocates a program, would not come back, be they in memory or in swap. See proc_pid_smaps(5).
func untouched(smaps, file string) []mapping {
	var found []mapping
	ours := false // whether the last of found is what the lines are about
	for line := range strings.Lines(smaps) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case !strings.HasSuffix(fields[0], ":"): // start-end permissions offset device inode path
			var m mapping
			_, err := fmt.Sscanf(fields[0], "%x-%x", &m.start, &m.end)
			ours = err == nil && len(fields) >= 6 && fields[5] == file &&
				strings.HasPrefix(fields[1], "r-") && strings.HasSuffix(fields[1], "p")
			if ours {
				found = append(found, m)
			}
		case ours && (fields[0] == "Anonymous:" || fields[0] == "Swap:") && fields[1] != "0":
			found, ours = found[:len(found)-1], false
		}
	}
	return found
}
