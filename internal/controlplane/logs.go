package controlplane

import (
	"flag"
	"fmt"
	"os"

	"k8s.io/klog/v2"
)

// logs is the log file of all components.
type logs struct {
	file *os.File
	klog klog.State
}

// redirectLogs points klog, which is global to the process, at a file. It sets
// klog's output rather than its logger because component-base's logging flags
// replace the logger when another component of the process applies them.
func redirectLogs(path string) (*logs, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	l := &logs{file: file, klog: klog.CaptureState()}

	var flags flag.FlagSet
	klog.InitFlags(&flags)
	for name, value := range map[string]string{
		"logtostderr":     "false",
		"stderrthreshold": "FATAL",
		"one_output":      "true", // else an error is written once for each lower severity
	} {
		if err := flags.Set(name, value); err != nil {
			return nil, fmt.Errorf("set klog's -%s=%s: %w", name, value, err)
		}
	}
	klog.SetOutput(file)
	return l, nil
}

// restore gives klog the settings that it had before redirectLogs.
func (l *logs) restore() error {
	klog.Flush()
	l.klog.Restore()
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close log file: %w", err)
	}
	return nil
}
