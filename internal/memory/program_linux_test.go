package memory

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatWasNeverWrittenIsDropped(t *testing.T) {
	const smaps = `00400000-02414000 r-xp 00000000 fe:00 1234 /usr/bin/scheduler
Rss:               26000 kB
Anonymous:             0 kB
Swap:                  0 kB
02414000-049bc000 r--p 02014000 fe:00 1234 /usr/bin/scheduler
Anonymous:             4 kB
049bc000-04a8e000 rw-p 045bc000 fe:00 1234 /usr/bin/scheduler
Anonymous:             0 kB
04a8d000-04a8e000 r--p 045bd000 fe:00 1234 /usr/bin/scheduler
Anonymous:             0 kB
Swap:                  4 kB
04a8e000-04a8f000 r--s 00000000 fe:00 1234 /usr/bin/scheduler
Anonymous:             0 kB
2755b0800000-2755b2400000 rw-p 00000000 00:00 0
Anonymous:         12832 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 77 /usr/lib/libc.so.6
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0x2414000}}
	if diff := cmp.Diff(want, untouched(smaps, "/usr/bin/scheduler"), cmp.AllowUnexported(mapping{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTheProgramGoesOnWithoutItsPages drops this very program's pages, which run again the moment after.
func TestTheProgramGoesOnWithoutItsPages(t *testing.T) {
	before := programRSS(t)
	dropProgram()
	after := programRSS(t)
	if after >= before {
		t.Errorf("%d kB of the program are resident, and were %d before", after, before)
	}
}

// programRSS returns how much of the program is resident, in kB.
func programRSS(t *testing.T) (total int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "RssFile:" {
			for _, digit := range fields[1] {
				total = total*10 + int(digit-'0')
			}
			return total
		}
	}
	t.Fatalf("no RssFile in:\n%s", status)
	return 0
}
