// Package reference writes the pages of docs/reference from the code, so that they say what the code does.
package reference

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
)

// generated ends the introduction of each page.
const generated = "This page is generated from the code: `make reference`.\n"

// Keep writes a page, or, without update, compares it to what is there.
func Keep(file, text string, update bool) error {
	if update {
		return os.WriteFile(file, []byte(text), 0o600)
	}
	there, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !bytes.Equal(there, []byte(text)) {
		return fmt.Errorf("%s is not what the code says: run make reference, and look at git diff", file)
	}
	return nil
}

// Annotations returns the page of the annotations.
func Annotations() string {
	var b strings.Builder
	b.WriteString("# Annotations\n\n" +
		"What users write on pods. In a Job, a Deployment or another controller it goes into the pod template. " + generated + "\n" +
		"Labels with the keys of a gang's name, size and queue count as the annotations do. A value that cannot be followed keeps the " +
		"pod Pending, with the event [`InvalidGangAnnotation`](events.md#invalidgangannotation).\n\n")
	annotationTable(&b, conventions.Annotations())
	b.WriteString("\nMore about [roles](../lifecycle.md#roles), [creators](../lifecycle.md#creators), " +
		"[warnings](../lifecycle.md#warn-after), [reservations](../lifecycle.md#reservations) and [loss](../lifecycle.md#loss) " +
		"is in the life of a gang; [topology](../concepts/topology.md) has examples and rules. " +
		"The annotation of a namespace that the guard rails read, `kubenexus.io/queues`: " +
		"[install](../install.md#guard-rails).\n\n" +
		"## Of Spark\n\n" +
		"Read besides; [Spark](../workloads/spark.md) says how to use them.\n\n")
	annotationTable(&b, conventions.SparkKeys())
	b.WriteString("\nKeys of other schedulers: [keys.md](../keys.md).\n")
	return b.String()
}

func annotationTable(b *strings.Builder, all []conventions.Annotation) {
	rows := make([][]string, len(all))
	for i, a := range all {
		rows[i] = []string{"`" + a.Key + "`", a.On, a.Value, a.Default, a.Meaning}
	}
	table(b, []string{"key", "on", "value", "default", "what it says"}, rows)
}

// Events returns the page of the events.
func Events() string {
	var b strings.Builder
	b.WriteString("# Events\n\n" +
		"Why a gang waits, and what happens to it: `kubectl describe pod` shows it, in events and in the `PodScheduled` condition. " +
		"Events about a gang are on its pending members, events about one pod on that pod. The scheduler writes an event when the reason " +
		"changes, not at each attempt. " + generated + "\n")
	entries := events.Reference()
	rows := make([][]string, len(entries))
	for i, e := range entries {
		event := events.For(e.Examples[0])
		rows[i] = []string{fmt.Sprintf("[`%s`](#%s)", e.Reason, strings.ToLower(e.Reason)), event.Type, event.ConditionReason}
	}
	table(&b, []string{"reason of the event", "type", "reason of `PodScheduled=False`"}, rows)
	for _, e := range entries {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n**What to do**: %s\n\n```\n", e.Reason, e.Meaning, e.Remedy)
		for i := range e.Examples {
			b.WriteString(events.For(e.Examples[i]).Note + "\n")
		}
		b.WriteString("```\n")
	}
	b.WriteString("\n## No event at all\n\n" +
		"No scheduler has the pod's `schedulerName`, or the scheduler does not run.\n\n**What to do**: Check the lease and the log: " +
		"[is it there?](../install.md#is-it-there)\n")
	return b.String()
}

// Metrics returns the page of the metrics.
func Metrics() string { return metrics.Markdown() }

// table writes a table.
func table(b *strings.Builder, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		for i, text := range row {
			row[i] = strings.ReplaceAll(strings.ReplaceAll(text, "\n", " "), "|", `\|`)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}
