package convert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// The keys of YuniKorn.
const (
	yunikornPrefix     = "yunikorn.apache.org/"
	yunikornGroup      = yunikornPrefix + "task-group-name"
	yunikornGroups     = yunikornPrefix + "task-groups"
	yunikornParameters = yunikornPrefix + "schedulingPolicyParameters"
	yunikornApp        = yunikornPrefix + "app-id"
	yunikornQueue      = yunikornPrefix + "queue"
	yunikornPreemption = yunikornPrefix + "allow-preemption"
	// The labels without a domain count only for pods that are YuniKorn's by something else. They stay, because others read them too.
	oldYunikornApp   = "applicationId"
	oldYunikornQueue = "queue"
)

// taskGroup is one of the task groups of an application.
type taskGroup struct {
	Name        string                     `json:"name"`
	MinMember   int                        `json:"minMember"`
	MinResource map[string]json.RawMessage `json:"minResource"`
}

// yunikorn reads the annotations of YuniKorn: the gang is the application, and its task groups are roles.
func (c *conversion) yunikorn(t *template) *claim {
	group := t.has(yunikornGroup)
	if group == "" && t.scheduler() != "yunikorn" && t.has(yunikornApp) == "" && t.has(yunikornQueue) == "" {
		return nil
	}
	found := &claim{
		product:  yunikorn,
		replaced: []string{yunikornGroup, yunikornGroups, yunikornParameters, yunikornApp, yunikornQueue, yunikornPreemption},
	}
	if group != "" && !c.readTaskGroups(t, group, found) {
		return nil
	}
	queue := t.has(yunikornQueue)
	if queue == "" {
		queue = t.has(oldYunikornQueue)
	}
	leaf := queue[strings.LastIndex(queue, ".")+1:]
	c.queue(t.object, t.at("metadata"), found, leaf)
	if preemption := t.has(yunikornPreemption); preemption == "true" || preemption == "false" {
		found.choose(conventions.PreemptibleAnnotation, preemption)
	}
	c.leftOver(t, yunikorn, found.replaced, yunikornPrefix)
	return found
}

func (t *template) application() string {
	if name := t.has(yunikornApp); name != "" {
		return name
	}
	return t.has(oldYunikornApp)
}

// readTaskGroups reads the gang of an application.
func (c *conversion) readTaskGroups(t *template, own string, of *claim) bool {
	fail := func(format string, args ...any) bool {
		t.failed = true
		c.fail(t.object, t.at("metadata"), format, args...)
		return false
	}
	app := t.application()
	said := c.taskGroups(t, app)
	if said == "" {
		return fail("its task group %.64s is in no annotation %s of the files, so it is not known how many pods have to start "+
			"together; pass the "+
			"manifest with it with -f too", own, yunikornGroups)
	}
	var groups []taskGroup
	if err := json.Unmarshal([]byte(said), &groups); err != nil {
		return fail("%s cannot be read: %v", yunikornGroups, err)
	}
	if len(groups) > maxRoles {
		return fail("%s has %d groups: at most %d can become roles", yunikornGroups, len(groups), maxRoles)
	}
	if !slices.ContainsFunc(groups, func(g taskGroup) bool { return g.Name == own }) {
		return fail("%s is %.64q, which %s does not have", yunikornGroup, own, yunikornGroups)
	}
	if of.group = app; app == "" {
		of.group = t.object.name
	}
	of.role = roleName(own)
	c.readParameters(t, of)
	for _, g := range groups {
		requests, err := g.requests()
		if err != nil {
			return fail("%s: %v", yunikornGroups, err)
		}
		r := role{Name: roleName(g.Name), Min: g.MinMember}
		if !c.hasTaskGroup(t, app, g.Name) { // the pods of another role create it
			r.Requests = requests
		}
		of.roles = append(of.roles, r)
	}
	c.creators(t, of)
	return true
}

// requests returns what each pod of the group requests.
func (g *taskGroup) requests() (map[string]string, error) {
	all := map[string]string{}
	for _, resource := range sortedKeys(g.MinResource) {
		var amount any
		if err := json.Unmarshal(g.MinResource[resource], &amount); err != nil {
			return nil, fmt.Errorf("task group %.64s: minResource %.64s: %w", g.Name, resource, err)
		}
		text := strings.Trim(string(g.MinResource[resource]), `"`)
		if _, isText := amount.(string); !isText {
			if _, isNumber := amount.(float64); !isNumber {
				return nil, fmt.Errorf("task group %.64s: minResource %.64s is not an amount", g.Name, resource)
			}
		}
		all[resource] = text
	}
	return all, nil
}

// taskGroups returns the annotation with the task groups of an application, which not all of its pods have.
func (c *conversion) taskGroups(t *template, app string) string {
	if said := t.has(yunikornGroups); said != "" || app == "" {
		return said
	}
	return c.index.taskGroups[groupKey{yunikorn, t.object.namespace, app}]
}

// hasTaskGroup reports whether a template in the files makes the pods of a task group.
func (c *conversion) hasTaskGroup(t *template, app, group string) bool {
	if t.has(yunikornGroup) == group {
		return true
	}
	return app != "" && c.index.made[taskGroupKey{groupKey{yunikorn, t.object.namespace, app}, group}]
}

// creators marks the role whose pods create those of the task groups that no template makes, such as Spark's driver.
func (c *conversion) creators(t *template, of *claim) {
	var absent []string
	for _, r := range of.roles {
		if r.Requests != nil {
			absent = append(absent, r.Name)
		}
	}
	if len(absent) == 0 {
		return
	}
	for i := range of.roles {
		if r := &of.roles[i]; r.Requests == nil && r.Name == of.role {
			r.Creates = true
			c.warn(t.object, t.at("metadata"), "no template in these files makes the pods of %s, so the pods of role %s are taken "+
				"for those that create "+
				`them ("creates" in %s); correct it if that is wrong, and see that the pods that `+
				`they create have %s and the schedulerName too`,
				strings.Join(absent, ", "), r.Name, conventions.RolesAnnotation, conventions.RoleAnnotation)
			return
		}
	}
}

// readParameters reads the parameters of YuniKorn's gang scheduling.
func (c *conversion) readParameters(t *template, of *claim) {
	for parameter := range strings.FieldsSeq(t.has(yunikornParameters)) {
		name, value, _ := strings.Cut(parameter, "=")
		if name == "placeholderTimeoutInSeconds" {
			c.timeout(t.object, t.at("metadata"), of, value)
			continue
		}
		c.warn(t.object, t.at("metadata"), "the parameter %.64s of %s has no counterpart: a gang waits until all of its pods can start",
			parameter,
			yunikornParameters)
	}
}
