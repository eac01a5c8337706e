package scheduler

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// TestTimesOfTheElection: without any, they are ours. If the file or a flag sets one, the others are kube-scheduler's, which it has to fit.
func TestTimesOfTheElection(t *testing.T) {
	type times struct{ lease, deadline, retry time.Duration }
	for _, test := range []struct {
		name  string
		file  string // below leaderElection
		flags []string
		want  times
	}{
		{"none", "", nil, times{10 * time.Second, 7 * time.Second, time.Second}},
		{"other fields", "resourceName: x", []string{"--leader-elect=true"}, times{10 * time.Second, 7 * time.Second, time.Second}},
		{"all in the file", "leaseDuration: 30s, renewDeadline: 20s, retryPeriod: 5s", nil, times{30 * time.Second, 20 * time.Second, 5 * time.Second}},
		{"one in the file", "renewDeadline: 12s", nil, times{15 * time.Second, 12 * time.Second, 2 * time.Second}},
		{"one flag", "", []string{"--leader-elect-renew-deadline=12s"}, times{15 * time.Second, 12 * time.Second, 2 * time.Second}},
		{"another flag", "", []string{"--leader-elect-retry-period=6s"}, times{15 * time.Second, 10 * time.Second, 6 * time.Second}},
		{"a flag over the file", "leaseDuration: 30s", []string{"--leader-elect-lease-duration=1m"}, times{time.Minute, 10 * time.Second, 2 * time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.yaml")
			text := "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
			if test.file != "" {
				text += "leaderElection: {" + test.file + "}\n"
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			files := []string{file}
			if test.file == "" {
				files = append(files, "")
			}
			for _, file := range files {
				opts := newOptions()
				if err := opts.Flags.FlagSet(electionFlags).Parse(test.flags); err != nil {
					t.Fatal(err)
				}
				if err := read(klog.Background(), opts, file); err != nil {
					t.Fatal(err)
				}
				election := opts.ComponentConfig.LeaderElection
				got := times{election.LeaseDuration.Duration, election.RenewDeadline.Duration, election.RetryPeriod.Duration}
				if got != test.want {
					t.Errorf("with the file %q: got %v, want %v", file, got, test.want)
				}
			}
		})
	}
}

// TestFlagsOfTheElectionAreChecked, as the file is.
func TestFlagsOfTheElectionAreChecked(t *testing.T) {
	opts := newOptions()
	if err := opts.Flags.FlagSet(electionFlags).Parse([]string{"--leader-elect-lease-duration=5s"}); err != nil {
		t.Fatal(err)
	}
	if err := read(klog.Background(), opts, ""); err == nil || !strings.Contains(err.Error(), "leaseDuration") {
		t.Errorf("got %v, want an error that names leaseDuration", err)
	}
}

// TestHelpShowsOurDefaults of the leader election.
func TestHelpShowsOurDefaults(t *testing.T) {
	usage := newOptions().Flags.FlagSet(electionFlags).FlagUsages()
	for _, want := range []string{"(default 10s)", "(default 7s)", "(default 1s)", `(default "kubenexus-scheduler")`} {
		if !strings.Contains(usage, want) {
			t.Errorf("the help has no %s:\n%s", want, usage)
		}
	}
}

// TestNoClusterToConnectTo: outside of a cluster, and without a kubeconfig, the error says what to do.
func TestNoClusterToConnectTo(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for name, kubeconfig := range map[string]string{"no kubeconfig": "", "no such file": filepath.Join(t.TempDir(), "none")} {
		t.Run(name, func(t *testing.T) {
			if _, err := clusterConfig("", kubeconfig); err == nil || !strings.Contains(err.Error(), "set --kubeconfig") {
				t.Errorf("got %v, want to be told of --kubeconfig", err)
			}
		})
	}
	if config, err := clusterConfig("https://127.0.0.1:6443", ""); err != nil || config.Host != "https://127.0.0.1:6443" {
		t.Errorf("got %v and %v, want the address of --master", config, err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	if _, err := clusterConfig("", ""); err == nil || strings.Contains(err.Error(), rest.ErrNotInCluster.Error()) {
		t.Errorf("got %v, want that a pod's token is missing", err)
	}
}
