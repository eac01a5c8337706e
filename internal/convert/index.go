package convert

// index is what is looked up about all templates, so that a large number of them does not take long.
type index struct {
	// sizes are those of Koordinator's gangs.
	sizes map[groupKey]int
	// taskGroups are the annotations with the task groups of YuniKorn's applications, and made the task groups that templates make.
	taskGroups map[groupKey]string
	made       map[taskGroupKey]bool
	// failed are the groups with templates that cannot be converted.
	failed map[groupKey]bool
}

type taskGroupKey struct {
	groupKey
	taskGroup string
}

func newIndex() index {
	return index{
		sizes: map[groupKey]int{}, taskGroups: map[groupKey]string{}, made: map[taskGroupKey]bool{}, failed: map[groupKey]bool{},
	}
}

// add notes what the templates of an object say. The first that says anything counts.
func (x *index) add(o *object) {
	for _, t := range o.templates {
		if gang := (groupKey{koordinator, o.namespace, t.has(koordinatorName)}); gang.name != "" && x.sizes[gang] == 0 {
			if n, _ := number(textMapping(t.has(koordinatorSize)), "n"); n > 0 {
				x.sizes[gang] = n
			}
		}
		app := groupKey{yunikorn, o.namespace, t.application()}
		if x.taskGroups[app] == "" {
			x.taskGroups[app] = t.has(yunikornGroups)
		}
		x.made[taskGroupKey{app, t.has(yunikornGroup)}] = true
	}
}

// fail notes that the groups that a template names cannot be converted as a whole.
func (x *index) fail(t *template) {
	names := map[string][]string{
		plugins: {t.has(pluginsLabel), t.has(oldPluginsLabel)}, volcano: {t.has(volcanoGroup), t.has(otherVolcanoGroup)},
		koordinator: {t.has(koordinatorName)}, yunikorn: {t.application()},
	}
	for product, groups := range names {
		for _, name := range groups {
			if name != "" {
				x.failed[groupKey{product, t.object.namespace, name}] = true
			}
		}
	}
}
