package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// claim is what a template says of its gang, in the words of another product.
type claim struct {
	product string
	// group is the name that the members of the gang share; empty for a pod without a gang.
	group string
	// minAvailable is 0 if only roles say it.
	minAvailable int
	// role is the role of the template, and roles are those of the whole gang.
	role  string
	roles []role
	// choices are annotations of ours with what they say.
	choices []key
	// replaced are the keys that are no longer needed.
	replaced []string
	// priorityClass is for pods that have none of their own.
	priorityClass string
	// podGroup is the PodGroup that the claim is from, if any.
	podGroup *podGroup
	// done changes the rest of the object, once its template is converted.
	done func()
}

// choose adds an annotation, unless it says nothing.
func (c *claim) choose(annotation, value string) {
	if value != "" {
		c.choices = append(c.choices, key{annotation, value})
	}
}

// role is a role of a gang, as the annotation has it.
type role struct {
	Name     string            `json:"name"`
	Min      int               `json:"min"`
	Creates  bool              `json:"creates,omitempty"`
	Requests map[string]string `json:"requests,omitempty"`
}

// maxRoles is how many roles a gang may have: the scheduler reads no more.
const maxRoles = 16

// gathered is a gang with the templates of its members.
type gathered struct {
	id      groupKey
	group   string
	members []*member
}

// member is a template with what it says of its gang.
type member struct {
	*template
	*claim
}

// finish converts the templates of a gang, or says why that is not possible.
func (c *conversion) finish(g *gathered) {
	err := c.convertGang(g)
	for _, m := range g.members {
		if m.podGroup != nil {
			m.podGroup.users++
		}
		if err == nil {
			continue
		}
		if m.podGroup != nil {
			m.podGroup.failed++
		}
		m.failed = true
		c.fail(m.object, m.path, "%v", err)
	}
}

// convertGang converts the templates of a gang. It changes nothing if it fails.
func (c *conversion) convertGang(g *gathered) error {
	if g.group == "" {
		for _, m := range g.members {
			c.change(m, slices.Clone(m.choices))
		}
		return nil
	}
	if c.index.failed[g.id] {
		return fmt.Errorf("other pods of gang %s cannot be converted", g.group)
	}
	if err := g.agree(); err != nil {
		return err
	}
	roles, err := c.rolesOf(g)
	if err != nil {
		return err
	}
	minAvailable := max(g.members[0].minAvailable, total(roles))
	wanted := make([][]key, len(g.members))
	for i, m := range g.members {
		ours := conventions.Coscheduling()
		annotations := []key{{ours.GroupAnnotation, g.group}, {ours.MinAvailableAnnotation, strconv.Itoa(minAvailable)}}
		if len(roles) > 0 {
			text, err := json.Marshal(roles)
			if err != nil {
				return fmt.Errorf("writing the roles: %w", err)
			}
			annotations = append(annotations, key{conventions.RoleAnnotation, m.role}, key{conventions.RolesAnnotation, string(text)})
		}
		wanted[i] = append(annotations, m.choices...)
		if err := m.check(wanted[i]); err != nil {
			return err
		}
	}
	for i, m := range g.members {
		c.change(m, wanted[i])
	}
	return nil
}

// agree reports whether all members say the same min-available.
func (g *gathered) agree() error {
	for _, m := range g.members {
		if first := g.members[0]; m.minAvailable != first.minAvailable {
			return fmt.Errorf("%s says that gang %s needs %d pods, and %s says %d; make both say the same",
				first.object, g.group, first.minAvailable, m.object, m.minAvailable)
		}
	}
	return nil
}

// check reports whether the scheduler would accept the annotations.
func (m *member) check(annotations []key) error {
	pod := m.pod()
	for _, k := range annotations {
		pod.Annotations[k.name] = k.value
	}
	if _, err := conventions.Parse(pod); err != nil {
		return err
	}
	return nil
}

func total(roles []role) int {
	sum := 0
	for _, r := range roles {
		sum += r.Min
	}
	return sum
}

// rolesOf returns the roles that the gang needs: those that its product has, or else one for each object if several have members, because
// the scheduler tells the gangs of two controllers apart unless roles tie them.
func (c *conversion) rolesOf(g *gathered) ([]role, error) {
	var roles []role
	instances := map[string]bool{}
	for _, m := range g.members {
		instances[m.instance()] = true
		for _, r := range m.roles {
			i := slices.IndexFunc(roles, func(known role) bool { return known.Name == r.Name })
			if i < 0 {
				if roles = append(roles, r); len(roles) > maxRoles {
					return nil, fmt.Errorf("its members name more than %d roles", maxRoles)
				}
			} else if roles[i].Min != r.Min {
				return nil, fmt.Errorf("its members say that role %s needs %d and %d pods; make all say the same", r.Name, roles[i].Min,
					r.Min)
			}
		}
	}
	minAvailable := g.members[0].minAvailable
	switch {
	case len(roles) > 1:
		if sum := total(roles); minAvailable > 0 && sum > minAvailable {
			return c.anyOf(g, roles), nil
		}
		return roles, nil
	case len(instances) == 1:
		if len(roles) == 1 {
			for _, m := range g.members {
				m.minAvailable = max(m.minAvailable, roles[0].Min)
			}
		}
		return nil, nil
	}
	return c.rolesOfObjects(g)
}

// rolesOfObjects returns a role for each object that has members.
func (c *conversion) rolesOfObjects(g *gathered) ([]role, error) {
	var roles []role
	for _, m := range g.members {
		m.role = roleName(m.object.name)
		if m.path == "" {
			m.role = "pod"
		}
		if m.replicas < 0 {
			return nil, fmt.Errorf("several objects have pods of gang %s, and it is not known how many of them %s makes; declare its "+
				"roles "+
				"with the annotation %s", g.group, m.object, conventions.RolesAnnotation)
		}
		i := slices.IndexFunc(roles, func(r role) bool { return r.Name == m.role })
		if i < 0 {
			roles = append(roles, role{Name: m.role, Min: m.replicas})
			if len(roles) > maxRoles {
				return nil, fmt.Errorf("more than %d objects have pods of gang %s: at most so many can become roles", maxRoles, g.group)
			}
		} else {
			roles[i].Min += m.replicas
		}
	}
	if minAvailable := g.members[0].minAvailable; minAvailable > 0 && total(roles) != minAvailable {
		return c.anyOf(g, roles), nil
	}
	return roles, nil
}

// anyOf returns roles for a gang that starts with any of its members, whichever role they have.
func (c *conversion) anyOf(g *gathered, roles []role) []role {
	loose := slices.Clone(roles)
	for i := range loose {
		loose[i].Min = 0
	}
	loose[0].Min = 1
	for _, m := range g.members {
		c.warn(m.object, m.path, "gang %s may start with any %d of its pods; roles need a minimum of 1, so one of them has to be of "+
			"role %s; "+
			"correct the minimums in %s if that matters", g.group, m.minAvailable, loose[0].Name, conventions.RolesAnnotation)
	}
	return loose
}

// roleName makes the name of a role of any other name.
func roleName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	const longest = 63
	return strings.Trim(name[:min(len(name), longest)], "-")
}

// change writes what a template says of its gang.
func (c *conversion) change(m *member, wanted []key) {
	m.object.changed = true
	metadata := below(m.node, 0, "metadata")
	at := len(metadata.Content)
	annotations := field(metadata, "annotations")
	first, comment := -1, ""
	for _, name := range m.replaced {
		if i := indexOf(annotations, name); i >= 0 && (first < 0 || i < first) {
			first, comment = i, annotations.Content[i].HeadComment
		}
		remove(annotations, name)
		if labels := field(metadata, "labels"); !m.selected(name) && remove(labels, name) && len(labels.Content) == 0 {
			remove(metadata, "labels")
		}
	}
	if len(wanted) > 0 {
		annotations = below(metadata, at, "annotations")
		if first < 0 {
			first = len(annotations.Content)
		}
		write(annotations, first, comment, wanted)
	} else if annotations != nil && len(annotations.Content) == 0 {
		remove(metadata, "annotations")
	}
	if len(metadata.Content) == 0 {
		remove(m.node, "metadata")
	}
	c.changeSpec(m)
}

// write adds annotations at an index. The first that is new gets the comment.
func write(annotations *yaml.Node, first int, comment string, wanted []key) {
	for _, k := range wanted {
		known := indexOf(annotations, k.name) >= 0
		value := textNode(k.value)
		if k.name == conventions.RolesAnnotation {
			value.Style = yaml.SingleQuotedStyle
		}
		if set(annotations, first, k.name, value); !known {
			annotations.Content[first].HeadComment, comment = comment, ""
			first += 2
		}
	}
}

func (c *conversion) changeSpec(m *member) {
	spec := field(m.node, "spec")
	set(spec, 0, "schedulerName", textNode(c.schedulerName))
	if m.priorityClass != "" {
		switch own := scalar(spec, "priorityClassName"); own {
		case "":
			set(spec, 2, "priorityClassName", textNode(m.priorityClass))
		case m.priorityClass:
		default:
			c.warn(m.object, m.at("spec.priorityClassName"), "its group has the priority class %s, and the pods have %s: that of the "+
				"pods counts",
				m.priorityClass, own)
		}
	}
	if m.done != nil {
		m.done()
	}
}

// ours reports whether the template has annotations or labels that this scheduler reads as its own.
func (t *template) ours() bool {
	pod := t.pod()
	return slices.ContainsFunc(conventions.All(), func(c conventions.Convention) bool { return c.Applies(pod) }) ||
		pod.Annotations[conventions.RolesAnnotation] != "" || pod.Annotations[conventions.RoleAnnotation] != ""
}

// adopt converts a template that has keys of this scheduler, but is for another: the first coscheduling plugin had the same keys as labels.
func (c *conversion) adopt(t *template) {
	if conventions.Coscheduling().Applies(t.pod()) && (t.scheduler() == "" || slices.Contains(foreignSchedulers(), t.scheduler())) {
		if _, err := t.parse(); err != nil {
			t.failed = true
			c.fail(t.object, t.path, "%v", err)
			return
		}
		c.change(&member{t, &claim{}}, nil)
	}
}

// sortedKeys returns the keys of a map in their order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
