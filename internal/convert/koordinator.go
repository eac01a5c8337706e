package convert

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

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
	if (found.group == "" || t.has(koordinatorSize) == "") && t.scheduler() != "koord-scheduler" || t.has(pluginsLabel) != "" || t.has(oldPluginsLabel) != "" {
		return nil
	}
	found.replaced = []string{koordinatorName, koordinatorSize, koordinatorWait, koordinatorGroups, quotaName, quotaPreemptible}
	if t.has(koordinatorSize) == "" {
		found.group = "" // then it is no gang to Koordinator either
	}
	if found.group != "" && !c.readGang(t, found) {
		return nil
	}
	c.queue(t.object, t.at("metadata"), found, quota)
	if preemptible := t.has(quotaPreemptible); preemptible == "true" || preemptible == "false" {
		found.choose(conventions.PreemptibleAnnotation, preemptible)
	}
	c.leftOver(t, koordinator, found.replaced, koordinatorPrefix, quotaPrefix)
	return found
}

// readGang reads the size of a gang, and the gangs that it starts with.
func (c *conversion) readGang(t *template, of *claim) bool {
	size := t.has(koordinatorSize)
	n, isNumber := number(textMapping(size), "n")
	if !isNumber || n < 1 {
		t.failed = true
		c.fail(t.object, t.at("metadata"), "%s is %.64q, and has to be a whole number from 1", koordinatorSize, size)
		return false
	}
	of.minAvailable = n
	c.timeout(t.object, t.at("metadata"), of, t.has(koordinatorWait), time.Second)
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
	if slices.Sort(together); len(slices.Compact(together)) < 2 {
		return true
	}
	of.role = roleName(of.group)
	var names []string
	for _, name := range together {
		namespace, gang, qualified := strings.Cut(name, "/")
		if !qualified {
			namespace, gang = t.object.namespace, name
		}
		size := c.sizeOf(t.object.namespace, gang)
		if namespace != t.object.namespace && t.object.namespace != "" || size == 0 {
			t.failed = true
			c.fail(t.object, t.at("metadata"), "gang %.64s, which starts together with gang %s, is in none of the files, or in another namespace; pass "+
				"its manifest with -f too; members of a gang are in one namespace", name, of.group)
			return false
		}
		names = append(names, gang)
		of.roles = append(of.roles, role{Name: roleName(gang), Min: size})
	}
	of.group, of.minAvailable = names[0], total(of.roles)
	return true
}

// sizeOf returns the size of one of Koordinator's gangs, or 0 if no object has it.
func (c *conversion) sizeOf(namespace, gang string) int {
	for _, o := range c.objects {
		for _, t := range o.templates {
			if o.namespace == namespace && t.has(koordinatorName) == gang {
				n, _ := number(textMapping(t.has(koordinatorSize)), "n")
				return max(n, 0)
			}
		}
	}
	return 0
}
