package gang

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// RoleAnnotation says which role of its gang a pod has. Without it, Spark's label counts.
	RoleAnnotation = "kubenexus.io/role"
	// RolesAnnotation declares the roles of a gang: a JSON list of Role.
	RolesAnnotation = "kubenexus.io/roles"
)

// What Spark writes on the pods that it creates (Constants.scala in apache/spark).
const (
	sparkRoleLabel = "spark-role"
	sparkAppLabel  = "spark-app-selector"
	sparkDriver    = "driver"
	sparkExecutor  = "executor"
)

// The annotations by which a driver declares its executors to Palantir's k8s-spark-scheduler (its README).
const (
	executorCount    = "spark-executor-count"
	executorCPU      = "spark-executor-cpu"
	executorMemory   = "spark-executor-mem"
	executorGPU      = "spark-executor-nvidia.com/gpu"
	dynamicExecutors = "spark-dynamic-allocation-enabled"
	minExecutors     = "spark-dynamic-allocation-min-executor-count"
)

const (
	// maxRoles and maxDeclared bound what a single pod can declare: the roles, and the sum of their minima.
	maxRoles    = 16
	maxDeclared = 2000
)

// Role is what a gang says about those of its members that do the same.
type Role struct {
	Name string `json:"name"`
	// Min is how many members of the role must be placed for any member of the gang to start.
	Min int32 `json:"min"`
	// Leads says that the pods of this role create the others, so the others do not exist before it runs.
	Leads bool `json:"leads,omitempty"`
	// The rest is that of a pod that does not exist yet, as its specification has it. Quantities are as in a container's
	// resource requests. Without requests such pods have no shape, and their leader starts by itself.
	Requests     map[string]string `json:"requests,omitempty"`
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	Tolerations  []Toleration      `json:"tolerations,omitempty"`
	// Affinity and TopologySpreadConstraints are JSON of Kubernetes' types, which is for the adapter to read and to check.
	Affinity                  json.RawMessage `json:"affinity,omitempty"`
	TopologySpreadConstraints json.RawMessage `json:"topologySpreadConstraints,omitempty"`
	// Labels are those that the selectors of such pods, and of others, find on them.
	Labels map[string]string `json:"labels,omitempty"`
}

// Toleration is one of a pod, as Kubernetes writes it.
type Toleration struct {
	Key      string `json:"key,omitempty"`
	Operator string `json:"operator,omitempty"`
	Value    string `json:"value,omitempty"`
	Effect   string `json:"effect,omitempty"`
	// Seconds matters only once a pod runs.
	Seconds *int64 `json:"tolerationSeconds,omitempty"`
}

// Roles are the roles that a pod declares.
type Roles struct {
	list []Role
	// apart is how many members lead besides, of whom nothing is known but that: what they create has no shape.
	apart int
	// inherits says that the declared members are like the pod that declares them in where they may run.
	inherits bool
	// text is what they were read from: roles with the same text are the same.
	text string
}

// NewRoles returns roles that were not read from a pod.
func NewRoles(list ...Role) *Roles { return &Roles{list: list, text: fmt.Sprint(list)} }

// All returns the roles in the order in which they are declared.
func (r *Roles) All() []Role {
	if r == nil {
		return nil
	}
	return r.list
}

// Total is the sum of the minima.
func (r *Roles) Total() int {
	if r == nil {
		return 0
	}
	total := r.apart
	for _, role := range r.All() {
		total += int(role.Min)
	}
	return total
}

// several says whether more than one role is declared.
func (r *Roles) several() bool { return r != nil && (len(r.list) > 1 || r.apart > 0) }

// Leader returns the role whose pods create the others, or nil.
func (r *Roles) Leader() *Role {
	for i := range r.All() {
		if r.list[i].Leads {
			return &r.list[i]
		}
	}
	return nil
}

// withoutLeader returns the roles of those that a leader creates if what they ask for is not declared: then the leader cannot wait for
// them, and they are the gang.
func (r *Roles) withoutLeader() *Roles {
	leader := r.Leader()
	unshaped := func(role Role) bool { return !role.Leads && role.Min > 0 && len(role.Requests) == 0 }
	if leader == nil || !slices.ContainsFunc(r.list, unshaped) {
		return r
	}
	others := slices.DeleteFunc(slices.Clone(r.list), func(role Role) bool { return role.Leads })
	return &Roles{list: others, apart: int(leader.Min), inherits: r.inherits, text: r.text}
}

func (r *Roles) named(name string) *Role {
	for i := range r.All() {
		if r.list[i].Name == name {
			return &r.list[i]
		}
	}
	return nil
}

func sameRoles(a, b *Roles) bool {
	return a == b || a != nil && b != nil && a.text == b.text
}

// parseRoles reads what the pod says about its own role and those of its gang.
func (s *Spec) parseRoles(labels, annotations map[string]string) error {
	role, given := annotations[RoleAnnotation]
	switch spark := labels[sparkRoleLabel]; {
	case given:
		if remedy := checkRole(role); remedy != "" {
			return problem(RoleAnnotation, role, remedy)
		}
		s.Role = role
	case spark == sparkDriver || spark == sparkExecutor:
		s.Role, s.Leads = spark, spark == sparkDriver
	}
	var err error
	if text, ok := annotations[RolesAnnotation]; ok {
		s.Roles, err = readRoles(text)
	} else if s.Leads {
		s.Roles, err = sparkRoles(annotations)
	}
	if err != nil || s.Roles == nil {
		return err
	}
	own := s.Roles.named(s.Role)
	if s.Role != "" && own == nil {
		return conflict(RolesAnnotation, annotations[RolesAnnotation], s.Role,
			fmt.Sprintf("it declares no role %q, which is this pod's own; add it, or correct %s", s.Role, RoleAnnotation))
	}
	if leader := s.Roles.Leader(); leader != nil && s.Role == "" {
		return missing(RoleAnnotation, leader.Name, fmt.Sprintf(
			"%s declares that the pods of role %q create the others, so set this one to the role of this pod",
			RolesAnnotation, leader.Name))
	}
	s.Leads = own != nil && own.Leads
	s.Roles = s.Roles.withoutLeader()
	return nil
}

// readRoles reads the annotation with the roles.
func readRoles(text string) (*Roles, error) {
	const example = `write a list such as [{"name":"driver","min":1,"leads":true},` +
		`{"name":"executor","min":10,"requests":{"cpu":"1","memory":"2Gi"}}]`
	refuse := func(format string, args ...any) error {
		return problem(RolesAnnotation, text, fmt.Sprintf(format, args...))
	}
	r := &Roles{text: text}
	decoder := json.NewDecoder(bytes.NewBufferString(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r.list); err != nil {
		return nil, refuse("it cannot be read (%v); %s", err, example)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, refuse("there is text after the list; %s", example)
	}
	if len(r.list) == 0 || len(r.list) > maxRoles {
		return nil, refuse("it has %d roles; declare 1 to %d: %s", len(r.list), maxRoles, example)
	}
	for i := range r.list {
		if remedy := r.check(i); remedy != "" {
			return nil, refuse("%s", remedy)
		}
	}
	if total := r.Total(); total < 1 || total > maxDeclared {
		return nil, refuse("the minimums sum to %d; they may sum to 1 to %d", total, maxDeclared)
	}
	return r, nil
}

// check returns what is wrong with one of the roles, or "".
func (r *Roles) check(i int) string {
	role := r.list[i]
	if remedy := checkRole(role.Name); remedy != "" {
		return fmt.Sprintf("role %d: name %q: %s", i+1, role.Name, remedy)
	}
	switch {
	case r.named(role.Name) != &r.list[i]:
		return fmt.Sprintf("it declares role %q twice", role.Name)
	case role.Min < 0 || role.Min == 0 && role.Leads:
		return fmt.Sprintf("role %q: min is %d; set it to how many pods of the role must start together", role.Name, role.Min)
	case role.Leads && r.Leader() != &r.list[i]:
		return fmt.Sprintf("roles %q and %q both create the others; only one role may", r.Leader().Name, role.Name)
	}
	if remedy := role.check(); remedy != "" {
		return fmt.Sprintf("role %q: %s", role.Name, remedy)
	}
	return ""
}

// maxEntries bounds the requests, the labels and so on of a role, maxBytes what is only read later, in bytes.
const (
	maxEntries = 16
	maxBytes   = 8 << 10
)

// check returns what is wrong with what the role asks for, or "".
func (r Role) check() string {
	if max(len(r.Requests), len(r.NodeSelector), len(r.Tolerations), len(r.Labels)) > maxEntries {
		return fmt.Sprintf("it has more than %d requests, node labels, tolerations or labels", maxEntries)
	}
	if len(r.Affinity)+len(r.TopologySpreadConstraints) > maxBytes {
		return fmt.Sprintf("its affinity and topologySpreadConstraints have more than %d bytes", maxBytes)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		if remedy := checkRequest(name, r.Requests[name]); remedy != "" {
			return fmt.Sprintf(`it requests %.64q of %.64q: %s`, r.Requests[name], name, remedy)
		}
	}
	return ""
}

func checkRole(name string) string {
	foreign := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	if name == "" || len(name) > 63 || strings.Trim(name, "-") != name || strings.ContainsFunc(name, foreign) {
		return `a role has a name of at most 63 lower-case letters, digits and '-', such as "worker"`
	}
	return ""
}

// sparkRoles reads the annotations of Palantir's scheduler; it returns nil if there are none.
func sparkRoles(annotations map[string]string) (*Roles, error) {
	dynamic := annotations[dynamicExecutors] == "true"
	source := executorCount
	if dynamic {
		source = minExecutors
	}
	count, ok := annotations[source]
	if !ok {
		return nil, nil
	}
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil || n < 0 || n >= maxDeclared {
		return nil, problem(source, count, fmt.Sprintf("set it to the number of executors that must start with the driver, at most %d",
			maxDeclared-1))
	}
	executors := Role{Name: sparkExecutor, Min: int32(n), Requests: map[string]string{}}
	for _, asked := range sparkRequests() {
		text := annotations[asked.annotation]
		switch {
		case text != "":
			executors.Requests[asked.resource] = text
		case asked.example != "" && n > 0:
			return nil, missing(asked.annotation, source, fmt.Sprintf("%s is set, so set this one to what each executor requests, "+
				"such as %q", source, asked.example))
		}
	}
	for _, asked := range sparkRequests() {
		if text := executors.Requests[asked.resource]; text != "" {
			if remedy := checkSparkRequest(asked.resource, text); remedy != "" {
				return nil, problem(asked.annotation, text, remedy)
			}
		}
	}
	r := NewRoles(Role{Name: sparkDriver, Min: 1, Leads: true}, executors)
	r.inherits = true
	return r, nil
}

// sparkRequest is an annotation that says how much of a resource an executor asks for. One that has to be there has an example.
type sparkRequest struct{ annotation, resource, example string }

func sparkRequests() []sparkRequest {
	return []sparkRequest{
		{executorCPU, cpuResource, "1"}, {executorMemory, memoryResource, "1408Mi"}, {executorGPU, "nvidia.com/gpu", ""},
	}
}

// checkSparkRequest is checkRequest for what may be meant as Spark writes it.
func checkSparkRequest(resource, text string) string {
	if number, thousands := strings.CutSuffix(text, "k"); thousands && resource == memoryResource {
		return fmt.Sprintf(`"k" stands for 1000 bytes in Kubernetes, and for 1024 in Spark; write %q`, number+"Ki")
	}
	return checkRequest(resource, text)
}

// sparkSpec returns the gang of a pod that only Spark's labels say anything about, or nil.
func sparkSpec(labels map[string]string) *Spec {
	role, app := labels[sparkRoleLabel], labels[sparkAppLabel]
	if !slices.Contains([]string{sparkDriver, sparkExecutor}, role) || checkName(app) != "" {
		return nil
	}
	return &Spec{Name: app, Unnamed: true}
}
