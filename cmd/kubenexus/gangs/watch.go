package gangs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

const (
	// pause is how long changes are collected before they are shown.
	pause = 100 * time.Millisecond
	// restful is how many times longer than it takes to look at all pods the pause is at least, so that a large cluster does not keep a
	// processor busy.
	restful = 3
)

// The phases that only a watch shows: those of a gang that is not in the list any more.
const (
	ended   gang.Phase = "Ended"
	deleted gang.Phase = "Deleted"
)

// watch prints the gangs, and then each gang that changes. It returns when the context is done, the process gets a signal, or the output is
// closed.
func (o *options) watch(ctx context.Context, out io.Writer, t *target, names []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	live, err := gangread.Follow(ctx, t.client, t.namespace, false)
	if err != nil {
		return err
	}
	if err := live.Sync(ctx); err != nil {
		return endOf(ctx, err)
	}
	w := newWatcher(out, o.output, o.all)
	took, err := o.look(live, w, t, names, true)
	for err == nil {
		select {
		case <-ctx.Done():
			return nil
		case err := <-live.Failed():
			return endOf(ctx, fmt.Errorf("watching pods: %w", err))
		case <-live.Changed():
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(pause, restful*took)):
		}
		took, err = o.look(live, w, t, names, false)
	}
	return endOf(ctx, err)
}

// look shows what changed since it was last looked at, and returns how long it took to find out. The first time, each name must be that of
// a gang.
func (o *options) look(live *gangread.Live, w *watcher, t *target, names []string, first bool) (took time.Duration, err error) {
	begin, pods := time.Now(), live.Pods()
	all := t.place(gangread.Among(pods, o.cluster.Schedulers, begin), pods, t.namespace == metav1.NamespaceAll, begin)
	switch {
	case first:
		if all, err = named(all, names, t.where); err != nil {
			return 0, err
		}
	case len(names) > 0:
		all = only(all, names)
	}
	uids := make(map[string]bool, len(pods))
	for _, pod := range pods {
		uids[string(pod.UID)] = true
	}
	took = time.Since(begin)
	return took, w.show(all, func(uid string) bool { return uids[uid] })
}

// endOf returns nil for an error that only says that the command was interrupted, or that its output is closed.
func endOf(ctx context.Context, err error) error {
	if told := ctx.Err() != nil; told || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = nil
	}
	return err
}

// watcher writes the gangs that changed.
type watcher struct {
	out    io.Writer
	output string
	all    bool
	// widths are those of the columns.
	columns []cell
	widths  []int
	// shown are the gangs that were shown, with what was written of them; invalid are the pods.
	shown   map[gang.Key]shownGang
	invalid map[gangread.InvalidPod]bool
	begun   bool
}

type shownGang struct {
	gang gangread.Gang
	text string
}

func newWatcher(out io.Writer, output string, all bool) *watcher {
	return &watcher{out: out, output: output, all: all, columns: columnsOf(all, output == "wide"), shown: map[gang.Key]shownGang{}}
}

// show writes the gangs that changed, and those that are gone. exists reports whether there is still a pod.
func (w *watcher) show(gangs gangread.Gangs, exists func(uid string) bool) error {
	var changed []gangread.Gang
	present := make(map[gang.Key]bool, len(gangs.Items))
	for i := range gangs.Items {
		g := &gangs.Items[i]
		present[g.Key] = true
		if text := w.sameness(g); w.shown[g.Key].text != text {
			w.shown[g.Key] = shownGang{gang: *g, text: text}
			changed = append(changed, *g)
		}
	}
	for key := range w.shown {
		if !present[key] {
			changed = append(changed, w.gone(key, exists))
			delete(w.shown, key)
		}
	}
	slices.SortFunc(changed, func(a, b gangread.Gang) int { return a.Key.Compare(b.Key) })
	if err := w.write(changed); err != nil {
		return err
	}
	return w.refused(gangs.Invalid)
}

// gone returns a gang that is not in the list any more, as it was, with the phase that says why.
func (w *watcher) gone(key gang.Key, exists func(uid string) bool) gangread.Gang {
	g := w.shown[key].gang
	g.Phase, g.Reason = deleted, ""
	for i := range g.Members {
		if exists(g.Members[i].UID) {
			g.Phase = ended
		}
	}
	return g
}

// sameness is the same as long as nothing of a gang changes but its age.
func (w *watcher) sameness(g *gangread.Gang) string {
	if w.output == "json" || w.output == "yaml" {
		still := *g
		still.At, still.NextTry = time.Time{}, time.Time{}
		text, err := json.Marshal(still)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	return strings.Join(w.row(g, false), "\x00")
}

// row returns the cells of a gang, without its age if that does not count.
func (w *watcher) row(g *gangread.Gang, age bool) []string {
	row := make([]string, len(w.columns))
	for i, c := range w.columns {
		if age || c.title != ageTitle {
			row[i] = words.OrDash(words.OneLine(c.text(g)))
		}
	}
	return row
}

func (w *watcher) write(changed []gangread.Gang) error {
	switch w.output {
	case "json", "yaml":
		return w.documents(changed)
	case "name":
		return asNames(w.out, gangread.Gangs{Items: changed}, w.all)
	}
	rows := make([][]string, 0, len(changed)+1)
	if !w.begun {
		titles := make([]string, len(w.columns))
		for i, c := range w.columns {
			titles[i] = c.title
		}
		rows = append(rows, titles)
	}
	w.begun = true
	for i := range changed {
		rows = append(rows, w.row(&changed[i], true))
	}
	return w.lines(rows)
}

// lines prints rows as a continuation of the same table. A column gets wider if a cell needs it, and never narrower.
func (w *watcher) lines(rows [][]string) error {
	if w.widths == nil {
		w.widths = make([]int, len(w.columns))
	}
	for _, row := range rows {
		for i, text := range row {
			w.widths[i] = max(w.widths[i], utf8.RuneCountInString(text))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			text.WriteString(cell)
			if i < len(row)-1 {
				text.WriteString(strings.Repeat(" ", w.widths[i]-utf8.RuneCountInString(cell)+gap))
			}
		}
		text.WriteString("\n")
	}
	_, err := io.WriteString(w.out, text.String())
	return err
}

// Document is a gang as -o json and -o yaml write it in a watch.
type Document struct {
	metav1.TypeMeta `json:",inline"`
	gangread.Gang
}

func (w *watcher) documents(changed []gangread.Gang) error {
	for i := range changed {
		document := Document{TypeMeta: metav1.TypeMeta{APIVersion: "kubenexus.io/v1alpha1", Kind: "Gang"}, Gang: changed[i]}
		text, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return err
		}
		text = append(text, '\n')
		if w.output == "yaml" {
			if text, err = yaml.JSONToYAML(text); err != nil {
				return err
			}
			text = append([]byte("---\n"), text...)
		}
		if _, err := w.out.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// refused writes the pods that have become invalid, or are so for another reason.
func (w *watcher) refused(pods []gangread.InvalidPod) error {
	now := make(map[gangread.InvalidPod]bool, len(pods))
	for _, pod := range pods {
		now[pod] = true
		if w.invalid[pod] || w.output != "" && w.output != "wide" {
			continue
		}
		if err := printInvalid(w.out, pod); err != nil {
			return err
		}
	}
	w.invalid = now
	return nil
}
