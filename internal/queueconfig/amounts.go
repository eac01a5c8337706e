package queueconfig

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

const (
	// maxAmount is the largest amount, also of guarantees together: 1P of cpu, which is counted in millicores, and 1E of others. A few of
	// them can be added without an overflow.
	maxAmount = 1_000_000_000_000_000_000
	// maxQuantity is the length of the longest text that is read as a quantity. The time that it takes depends on its value.
	maxQuantity = 32
	// maxResources is how many different resources a configuration may name: the scheduler keeps an amount of each for each queue.
	maxResources = 64
)

// amounts reads amounts of resources. What is wrong is left out.
func (r *reader) amounts(path *field.Path, n *yaml.Node) queue.Amounts {
	if n == nil || !r.isMapping(path, n, `must be a mapping of resources to quantities, such as {cpu: "100", memory: 1Ti}`) {
		return nil
	}
	amounts := queue.Amounts{}
	at := func(name string) *field.Path { return path.Key(shown(name)) }
	r.pairs(n, at, func(name string, value *yaml.Node) {
		if !r.isResource(at(name), name) {
			return
		}
		if amount, ok := r.amount(at(name), name, value); ok {
			amounts[name] = amount
		}
	})
	return amounts
}

// isResource reports whether pods can request a resource of that name.
func (r *reader) isResource(path *field.Path, name string) bool {
	const native = "cpu, memory, ephemeral-storage, pods, hugepages-<size>"
	domain, _, extended := strings.Cut(name, "/")
	hugePages, isHugePages := strings.CutPrefix(name, v1.ResourceHugePagesPrefix)
	switch {
	case name == "":
		r.report(field.Required(path, "write the name of a resource: "+native+", or one such as nvidia.com/gpu"))
		return false
	case strings.HasPrefix(name, v1.DefaultResourceRequestsPrefix), strings.HasPrefix(name, "limits."):
		_, bare, _ := strings.Cut(name, ".")
		r.report(field.Invalid(path, name, "is a name for a ResourceQuota: write "+cut(bare, maxShown)))
		return false
	case extended && len(domain) > 0 && len(validation.IsQualifiedName(name)) == 0:
	case isHugePages && isSize(hugePages):
	case slices.Contains([]v1.ResourceName{
		v1.ResourceCPU, v1.ResourceMemory, v1.ResourceEphemeralStorage, v1.ResourcePods,
	}, v1.ResourceName(name)):
	default:
		r.report(field.Invalid(path, name, "is not a resource: write "+native+", or one with its domain, such as nvidia.com/gpu"))
		return false
	}
	if len(r.resources) == maxResources && !r.resources[name] {
		r.report(field.Forbidden(path, fmt.Sprintf("a configuration may name %d different resources", maxResources)))
		return false
	}
	r.resources[name] = true
	return true
}

// amount reads the amount of a resource.
func (r *reader) amount(path *field.Path, name string, n *yaml.Node) (amount int64, ok bool) {
	const must = "must be a quantity such as 100, 500m (of cpu) or 64Gi"
	quantity, err := parseQuantity(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		r.wrong(path, must)
		return 0, false
	case n.Tag == tagNull:
		r.report(field.Required(path, must))
		return 0, false
	case n.Tag != tagText && n.Tag != tagInt && n.Tag != tagFloat, err != nil:
		r.report(field.Invalid(path, n.Value, must))
		return 0, false
	case n.Tag != tagText && !json.Valid([]byte(n.Value)):
		r.report(field.Invalid(path, n.Value, disputed))
		return 0, false
	}
	unit := scale(name)
	most := resource.NewScaledQuantity(maxAmount, unit)
	switch {
	case quantity.Sign() < 0:
		r.report(field.Invalid(path, n.Value, "must not be negative"))
		return 0, false
	case quantity.Cmp(*most) > 0:
		r.report(field.Invalid(path, n.Value, "must be at most "+most.String()))
		return 0, false
	}
	amount = quantity.ScaledValue(unit)
	switch exact := resource.NewScaledQuantity(amount, unit); {
	case exact.Cmp(quantity) == 0:
		return amount, true
	case unit == resource.Milli:
		r.report(field.Invalid(path, n.Value, "must be a multiple of 1m, a thousandth of a core"))
	default:
		r.report(field.Invalid(path, n.Value, fmt.Sprintf("must be a whole number: %s has no fractions", name)))
	}
	return 0, false
}

// parseQuantity reads a quantity that can be computed with. 1e1000000000 is one for Kubernetes, but takes all memory.
func parseQuantity(text string) (resource.Quantity, error) {
	if exponent := strings.LastIndexAny(text, "eE"); len(text) > maxQuantity || exponent >= 0 && len(text) > exponent+len("e+10") {
		return resource.Quantity{}, resource.ErrFormatWrong
	}
	return resource.ParseQuantity(text)
}

// isSize reports whether a text is a size of huge pages.
func isSize(text string) bool {
	size, err := parseQuantity(text)
	return err == nil && size.Sign() > 0
}

// scale is the unit that an amount is counted in.
func scale(name string) resource.Scale {
	if name == string(v1.ResourceCPU) {
		return resource.Milli
	}
	return 0
}

// Quantity returns an amount of a resource as Kubernetes writes it: 1500m of cpu, 64Gi of memory, 8 of others.
func Quantity(name string, amount int64) string {
	switch {
	case name == string(v1.ResourceCPU):
		return resource.NewMilliQuantity(amount, resource.DecimalSI).String()
	case slices.Contains([]v1.ResourceName{v1.ResourceMemory, v1.ResourceEphemeralStorage}, v1.ResourceName(name)),
		strings.HasPrefix(name, v1.ResourceHugePagesPrefix):
		return resource.NewQuantity(amount, resource.BinarySI).String()
	}
	return resource.NewQuantity(amount, resource.DecimalSI).String()
}

// ceiling is a limit that a queue is under: its own, or that of a queue above it.
type ceiling struct {
	amount int64
	queue  string
}

// guarantees checks what sibling queues and all below them are guaranteed against the limits above them, fills in what they do not state,
// and returns what they are guaranteed together.
func (r *reader) guarantees(path *field.Path, queues []queue.Queue, above map[string]ceiling) queue.Amounts {
	together := queue.Amounts{}
	for i := range queues {
		q, at := &queues[i], path.Index(i)
		limits := tightest(above, q)
		wrong := map[string]bool{}
		for _, name := range slices.Sorted(maps.Keys(q.Guarantee)) {
			if limit, is := limits[name]; is && q.Guarantee[name] > limit.amount {
				r.above(at, name, q.Guarantee[name], limit, "is above")
				wrong[name] = true
			}
		}
		children := r.guarantees(at.Child("queues"), q.Queues, limits)
		for _, name := range slices.Sorted(maps.Keys(children)) {
			if !wrong[name] && !r.covers(at, q, name, children[name], limits) {
				wrong[name] = true
			}
		}
		for name, amount := range q.Guarantee {
			if !wrong[name] {
				together[name] = min(together[name]+amount, maxAmount+1)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(together)) {
		if together[name] > maxAmount {
			most := resource.NewScaledQuantity(maxAmount, scale(name))
			r.wrong(path, fmt.Sprintf("their guarantees of %s are together above %s", name, most))
			delete(together, name)
		}
	}
	return together
}

// covers checks the guarantee of a queue against what its children are guaranteed together, and fills it in if the queue states none.
func (r *reader) covers(path *field.Path, q *queue.Queue, name string, children int64, limits map[string]ceiling) bool {
	stated, states := q.Guarantee[name]
	limit, limited := limits[name]
	switch {
	case states && stated < children:
		r.report(field.Invalid(path.Child("guarantee").Key(name), Quantity(name, stated), fmt.Sprintf(
			"is below the guarantees of its children, together %s: raise it, lower theirs, or leave it out, and it is their sum",
			Quantity(name, children))))
		return false
	case states:
		return true
	case limited && children > limit.amount:
		r.above(path, name, children, limit, "is the sum of its children's, and above")
		return false
	}
	if q.Guarantee == nil {
		q.Guarantee = queue.Amounts{}
	}
	q.Guarantee[name] = children
	return true
}

// above reports a guarantee that can never be given.
func (r *reader) above(path *field.Path, name string, amount int64, limit ceiling, is string) {
	r.report(field.Invalid(path.Child("guarantee").Key(name), Quantity(name, amount), fmt.Sprintf(
		"%s the limit of queue %s, %s: guarantee less, or raise the limit", is, limit.queue, Quantity(name, limit.amount))))
}

// tightest returns the limits above a queue together with its own.
func tightest(above map[string]ceiling, q *queue.Queue) map[string]ceiling {
	if len(q.Limit) == 0 {
		return above
	}
	limits := map[string]ceiling{}
	maps.Copy(limits, above)
	for name, amount := range q.Limit {
		if limit, is := limits[name]; !is || amount < limit.amount {
			limits[name] = ceiling{amount: amount, queue: q.Name}
		}
	}
	return limits
}
