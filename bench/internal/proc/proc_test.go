package proc

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const stat = "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 2135 0 3 0 150 25 7 8 20 0 12 0 81 1300000000 12000 18446744073709551615\n"
	got, err := parseStat(stat)
	if err != nil || got != 1750*time.Millisecond {
		t.Errorf("parseStat = %v, %v; want 1.75s", got, err)
	}
	for _, bad := range []string{"", "4242 (a) S 1 2", "4242 (a) S 1 2 3 4 5 6 7 8 9 10 x 12 13"} {
		if got, err := parseStat(bad); err == nil {
			t.Errorf("parseStat(%q) = %v, want an error", bad, got)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\ta\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nRssAnon:\t   51200 kB\nRssFile:\t   40960 kB\nThreads:\t12\n"
	got, err := parseStatus(status)
	if want := (Usage{PeakRSS: 200 << 20, RSS: 100 << 20, Anon: 50 << 20, File: 40 << 20}); err != nil || got != want {
		t.Errorf("parseStatus = %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "VmHWM:\t1 kB\n", "VmHWM:\tx kB\nRssAnon:\t1 kB\n", "VmHWM:\t1\nRssAnon:\t1 kB\n"} {
		if got, err := parseStatus(bad); err == nil {
			t.Errorf("parseStatus(%q) = %v, want an error", bad, got)
		}
	}
}

func TestReadThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	got, err := Read(os.Getpid())
	if err != nil || got.PeakRSS < got.Anon || got.Anon == 0 {
		t.Errorf("Read = %+v, %v", got, err)
	}
}
