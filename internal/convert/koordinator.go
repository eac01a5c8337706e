package convert

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// The keys of Koordinator.
const (
	koordinatorPrefix = "gang.scheduling.koordinator.sh/"
	quotaPrefix       = "quota.scheduling.koordinator.sh/"
	koordinatorName   = koordinatorPrefix + "name"
	koordinatorSize   = koordinatorPrefix + "min-available"
	koordinatorWait   = koordinatorPrefix + "wait-time"
	koordinatorGroups = koordinatorPrefix + "groups"
	quotaName         = quotaPrefix + "name"
	quotaPreemptible  = quotaPrefix + "preemptible"
)

// koordinator reads the annotations of Koordinator.
func (c *conversion) koordinator(t *template) *claim {
	found := &claim{product: koordinator, group: t.has(koordinatorName)}
	quota := t.has(quotaName)
	ofGroup := t.has(pluginsLabel) != "" || t.has(oldPluginsLabel) != ""
	if ofGroup || (found.group == "" || t.has(koordinatorSize) == "") && t.scheduler() != "koord-scheduler" {
		return nil
	}
	found.replaced = []string{koordinatorName, koordinatorSize, koordinatorWait, koordinatorGroups, quotaName, quotaPreemptible}
	if t.has(koordinatorSize) == "" {
		found.group = "" // then it is no gang to Koordinator either
	}
	if found.group != "" && !c.readKoordinatorGang(t, found) {
		return nil
	}
	c.queue(t.object, t.at("metadata"), found, quota)
	if preemptible := t.has(quotaPreemptible); preemptible == "true" || preemptible == "false" {
		found.choose(conventions.PreemptibleAnnotation, preemptible)
	}
	c.leftOver(t, koordinator, found.replaced, koordinatorPrefix, quotaPrefix)
	return found
}

// readKoordinatorGang reads the size of a gang, and the gangs that it starts with.
func (c *conversion) readKoordinatorGang(t *template, of *claim) bool {
	size := t.has(koordinatorSize)
	n, isNumber := number(textMapping(size), "n")
	if !isNumber || n < 1 {
		t.failed = true
		c.fail(t.object, t.at("metadata"), "%s is %.64q, and has to be a whole number from 1", koordinatorSize, size)
		return false
	}
	of.minAvailable = n
	c.timeout(t.object, t.at("metadata"), of, t.has(koordinatorWait))
	return c.joinGangs(t, of)
}

// joinGangs makes one gang of several that start together: each is a role of it.
func (c *conversion) joinGangs(t *template, of *claim) bool {
	text := t.has(koordinatorGroups)
	var together []string
	if text != "" && json.Unmarshal([]byte(text), &together) != nil {
		t.failed = true
		c.fail(t.object, t.at("metadata"), `%s is %.64q, and has to be a list such as ["team-a/one","team-a/two"]`, koordinatorGroups, text)
		return false
	}
	slices.Sort(together)
	if together = slices.Compact(together); len(together) < 2 {
		return true
	}
	if len(together) > maxRoles {
		t.failed = true
		c.fail(t.object, t.at("metadata"), "%d gangs start together: at most %d can become one gang with a role for each", len(together),
			maxRoles)
		return false
	}
	of.role = roleName(of.group)
	var names []string
	for _, name := range together {
		namespace, gang, qualified := strings.Cut(name, "/")
		if !qualified {
			namespace, gang = t.object.namespace, name
		}
		size := c.index.sizes[groupKey{koordinator, t.object.namespace, gang}]
		if namespace != t.object.namespace && t.object.namespace != "" || size == 0 {
			t.failed = true
			c.fail(t.object, t.at("metadata"), "gang %.64s, which starts together with gang %s, is in none of the files, or in "+
				"another namespace; pass "+
				"its manifest with -f too; members of a gang are in one namespace", name, of.group)
			return false
		}
		names = append(names, gang)
		of.roles = append(of.roles, role{Name: roleName(gang), Min: size})
	}
	of.group, of.minAvailable = names[0], total(of.roles)
	return true
}
