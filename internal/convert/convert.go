package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// File is a manifest.
type File struct {
	Name string
	Text []byte
}

// Notice is something that the user has to know or to do.
type Notice struct {
	// File and Document, which counts from 1, say where it is; Object is Kind/name, and Field a path in it.
	File     string
	Document int
	Object   string
	Field    string
	// Text is a sentence.
	Text string
	// Failed says that the document is written as it was, because it cannot be converted.
	Failed bool
}

func (n *Notice) String() string {
	level, place := "warning", fmt.Sprintf("%s, document %d", n.File, n.Document)
	if n.Failed {
		level = "error"
	}
	for _, more := range []string{n.Object, n.Field} {
		if more != "" {
			place += ", " + more
		}
	}
	return fmt.Sprintf("%s: %s: %s", level, place, n.Text)
}

// Convert returns the manifests with everything that is for another gang scheduler turned into what this scheduler reads, for pods with
// this schedulerName. What it cannot convert is written as it was. The files belong together: a PodGroup may be in one, and its pods in
// another. A PodGroup that is no longer needed is left out.
func Convert(files []File, schedulerName string) ([]byte, []Notice) {
	c := &conversion{
		schedulerName: schedulerName, groups: map[groupKey]*podGroup{}, gangs: map[groupKey]*gathered{}, index: newIndex(),
		said: map[placed]bool{},
	}
	for i, file := range files {
		c.file = i
		c.read(file)
	}
	for _, o := range slices.Clone(c.objects) {
		c.addGroup(o)
		c.expandVolcanoJob(o)
		c.index.add(o)
	}
	for _, o := range c.objects {
		for _, t := range o.templates {
			c.gather(t)
		}
	}
	for _, g := range c.order {
		c.finish(g)
	}
	c.volcanoJobs()
	c.dropGroups()
	text := c.write()
	slices.SortStableFunc(c.notices, func(a, b placed) int { return cmp.Or(cmp.Compare(a.file, b.file), a.Document-b.Document) })
	notices := make([]Notice, 0, len(c.notices))
	for _, n := range c.notices {
		notices = append(notices, n.Notice)
	}
	return text, notices
}

// conversion is what one call of Convert works on.
type conversion struct {
	schedulerName string
	documents     []*document
	objects       []*object
	jobs          []*volcanoJob
	groups        map[groupKey]*podGroup
	gangs         map[groupKey]*gathered
	order         []*gathered
	index         index
	// file is the number of the file that is read.
	file    int
	notices []placed
	said    map[placed]bool
}

// placed is a notice with the number of its file, for the order.
type placed struct {
	Notice
	file int
}

// groupKey names a group of a product in a namespace.
type groupKey struct{ product, namespace, name string }

// say adds a notice, once.
func (c *conversion) say(file int, n Notice) {
	if p := (placed{n, file}); !c.said[p] {
		c.said[p] = true
		c.notices = append(c.notices, p)
	}
}

// warn says what has no counterpart in an object.
func (c *conversion) warn(o *object, field, format string, args ...any) {
	c.say(o.fileNumber, Notice{File: o.file, Document: o.document, Object: o.String(), Field: field, Text: fmt.Sprintf(format, args...)})
}

// fail says why an object cannot be converted.
func (c *conversion) fail(o *object, field, format string, args ...any) {
	c.say(o.fileNumber, Notice{
		File: o.file, Document: o.document, Object: o.String(), Field: field, Failed: true,
		Text: fmt.Sprintf(format, args...) + "; it is written as it was",
	})
}

// gather reads the gang of a template. If that fails, so do the other templates of the gang: half of a gang is of no use.
func (c *conversion) gather(t *template) {
	c.readGang(t)
	if t.failed {
		c.index.fail(t)
	}
}

// readGang finds out to which gang of another product a template belongs.
func (c *conversion) readGang(t *template) {
	if t.ours() {
		c.adopt(t)
		return
	}
	if _, err := t.parse(); err != nil {
		t.failed = true
		c.fail(t.object, t.path, "%v", err)
		return
	}
	found := t.given
	for _, read := range [...]func(*template) *claim{c.kubeflow, c.koordinator, c.volcano, c.coscheduling, c.yunikorn, c.single} {
		if found == nil && !t.failed {
			found = read(t)
		}
	}
	if t.failed || c.unknown(t, found) || found == nil {
		return
	}
	id := groupKey{found.product, t.object.namespace, found.group}
	if found.group == "" { // a pod without a gang
		id.name = fmt.Sprintf("%s, document %d, %s %s", t.object.file, t.object.document, t.object, t.path)
	}
	g := c.gangs[id]
	if g == nil {
		g = &gathered{id: id, group: found.group}
		c.gangs[id] = g
		c.order = append(c.order, g)
	}
	g.members = append(g.members, &member{template: t, claim: found})
}

// unknown fails if keys tie the pods of a template to others in a way that is not known to this package.
func (c *conversion) unknown(t *template, found *claim) bool {
	if found != nil && found.group != "" {
		return false
	}
	ours := conventions.Coscheduling()
	if t.scheduler() == "kai-scheduler" {
		c.fail(t.object, t.at("spec.schedulerName"), "KAI makes a gang of pods by the kind of their object, and nothing in the "+
			"manifest says how many "+
			"have to start together: set the annotations %s and %s, and schedulerName: %s, in the template",
			ours.GroupAnnotation, ours.MinAvailableAnnotation, c.schedulerName)
		t.failed = true
	} else if u := conventions.FindUnknown(t.pod(), nil); u != nil {
		c.fail(t.object, t.at("metadata"), "the %s %s of %s ties the pods to others, but does not say how many have to start "+
			"together: set the "+
			"annotations %s and %s in the template", u.Where, u.Key, u.Product, ours.GroupAnnotation, ours.MinAvailableAnnotation)
		t.failed = true
	}
	return t.failed
}

// dropGroups leaves out the PodGroups whose pods were all converted.
func (c *conversion) dropGroups() {
	for _, o := range c.objects {
		group := c.groupOf(o)
		switch {
		case group == nil:
		case c.index.failed[groupKey{group.product, o.namespace, o.name}]:
		case group.users == 0:
			c.warn(o, "", "no pod in these files belongs to this PodGroup, so it is left as it is; convert it together with its pods")
		case group.failed == 0:
			o.written, o.changed = []*yaml.Node{}, true
		}
	}
}

// foreignSchedulers are the schedulerNames under which other gang schedulers are usually installed.
func foreignSchedulers() []string {
	return []string{"volcano", "yunikorn", "koord-scheduler", "scheduler-plugins-scheduler", "coscheduling"}
}

// single reads a pod without a gang that another gang scheduler would schedule.
func (c *conversion) single(t *template) *claim {
	if !slices.Contains(foreignSchedulers(), t.scheduler()) {
		return nil
	}
	return &claim{product: t.scheduler()}
}

// leftOver warns of keys with these prefixes that nothing reads any more.
func (c *conversion) leftOver(t *template, product string, known []string, prefixes ...string) {
	for _, k := range t.with(prefixes...) {
		if !slices.Contains(known, k.name) {
			c.warn(t.object, t.at("metadata"), "%s of %s has no counterpart; it is left as it is, and this scheduler does not read it",
				strings.TrimSpace(k.name), product)
		}
	}
}
