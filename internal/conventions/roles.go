package conventions

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// RoleAnnotation sets the pod's role in its gang. Without it, Spark's label applies.
	RoleAnnotation = "kubenexus.io/role"
	// RolesAnnotation declares the roles of a gang: a JSON list of Role.
	RolesAnnotation = "kubenexus.io/roles"
)

const (
	// maxRoles and maxDeclared limit what a single pod can declare: the number of roles, and the sum of their minimums.
	maxRoles    = 16
	maxDeclared = 2000
)

// withoutCreator removes the creator's role if the pods that it creates declare no requests: the creator cannot wait for them, so
// it starts on its own and they form the gang.
func withoutCreator(r *gang.Roles) *gang.Roles {
	creator := r.Creator()
	unshaped := func(role gang.Role) bool { return !role.Creates && role.Min > 0 && len(role.Requests) == 0 }
	if creator == nil || !slices.ContainsFunc(r.List, unshaped) {
		return r
	}
	others := slices.DeleteFunc(slices.Clone(r.List), func(role gang.Role) bool { return role.Creates })
	return &gang.Roles{List: others, Apart: int(creator.Min), Inherits: r.Inherits, Text: r.Text}
}

// readRoles reads the pod's own role and the roles of its gang.
func readRoles(pod Pod, s *gang.Spec) error {
	if role, given := pod.Annotations[RoleAnnotation]; given {
		if remedy := checkRoleName(role); remedy != "" {
			return problem(RoleAnnotation, role, remedy)
		}
		s.Role = role
	} else {
		s.Role, s.Creates = sparkRole(pod)
	}
	var err error
	if text, ok := pod.Annotations[RolesAnnotation]; ok {
		s.Roles, s.Share, err = parseRoles(text)
	} else if s.Creates {
		s.Roles, err = palantirRoles(pod.Annotations)
	}
	if err != nil || s.Roles == nil {
		return err
	}
	own := s.Roles.Named(s.Role)
	if s.Role != "" && own == nil {
		return conflict(RolesAnnotation, pod.Annotations[RolesAnnotation], s.Role,
			fmt.Sprintf("it declares no role %q, which is this pod's own; add it, or correct %s", s.Role, RoleAnnotation))
	}
	if creator := s.Roles.Creator(); creator != nil && s.Role == "" {
		return missing(RoleAnnotation, creator.Name, fmt.Sprintf(
			"%s declares that the pods of role %q create the others, so set this one to the role of this pod",
			RolesAnnotation, creator.Name))
	}
	s.Creates = own != nil && own.Creates
	s.Roles = withoutCreator(s.Roles)
	return nil
}

// rolesExample ends the errors about a list that cannot be parsed.
const rolesExample = `write a list such as [{"name":"driver","min":1,"creates":true},` +
	`{"name":"executor","min":10,"requests":{"cpu":"1","memory":"2Gi"}}]`

// parseRoles parses the annotation with the roles, and what they say of the gang's share.
func parseRoles(text string) (*gang.Roles, gang.Share, error) {
	refuse := func(format string, args ...any) (*gang.Roles, gang.Share, error) {
		return nil, gang.Share{}, problem(RolesAnnotation, text, fmt.Sprintf(format, args...))
	}
	written, remedy := decodeRoles(text)
	if remedy != "" {
		return refuse("%s", remedy)
	}
	r := &gang.Roles{Text: text}
	for i := range written {
		r.List = append(r.List, written[i].Role)
	}
	if len(r.List) == 0 || len(r.List) > maxRoles {
		return refuse("it has %d roles; declare 1 to %d: %s", len(r.List), maxRoles, rolesExample)
	}
	for i := range r.List {
		if remedy := checkRole(r, i); remedy != "" {
			return refuse("%s", remedy)
		}
		if r.List[i].Topology, remedy = written[i].topology.parseOfRole(); remedy != "" {
			return refuse("role %q: %s", r.List[i].Name, remedy)
		}
	}
	if total := r.Total(); total < 1 || total > maxDeclared {
		return refuse("the minimums sum to %d; they may sum to 1 to %d", total, maxDeclared)
	}
	share, remedy := shareOfRoles(written)
	if remedy != "" {
		return refuse("%s", remedy)
	}
	return r, share, nil
}

// declared is a role with what it says of its gang's share, and of where its own members have to be.
type declared struct {
	gang.Role
	queue, preemptible, expectedRuntime *string
	topology                            saidTopology
}

// decodeRoles decodes the list of roles. A remedy that is not empty describes the error.
func decodeRoles(text string) (list []declared, remedy string) {
	// Role is a gang.Role as users write it. Errors of encoding/json show its name.
	type Role struct {
		Name string `json:"name"`
		Min  int32  `json:"min"`
		// Leads is the former name of Creates.
		Creates                   *bool             `json:"creates"`
		Leads                     *bool             `json:"leads"`
		Requests                  map[string]string `json:"requests"`
		NodeSelector              map[string]string `json:"nodeSelector"`
		Tolerations               []gang.Toleration `json:"tolerations"`
		Affinity                  json.RawMessage   `json:"affinity"`
		TopologySpreadConstraints json.RawMessage   `json:"topologySpreadConstraints"`
		Labels                    map[string]string `json:"labels"`
		Queue                     *string           `json:"queue"`
		Preemptible               *boolean          `json:"preemptible"`
		ExpectedRuntime           *string           `json:"expectedRuntime"`
		TopologyRequired          *string           `json:"topologyRequired"`
		TopologyPreferred         *string           `json:"topologyPreferred"`
		TopologySliceRequired     *string           `json:"topologySliceRequired"`
		TopologySliceSize         *number           `json:"topologySliceSize"`
		TopologySpread            *string           `json:"topologySpread"`
	}
	var written []Role
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&written); err != nil {
		return nil, fmt.Sprintf("it cannot be read (%v); %s", err, rolesExample)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, "there is text after the list; " + rolesExample
	}
	for _, w := range written {
		creates := *cmp.Or(w.Creates, w.Leads, new(bool))
		if w.Leads != nil && *w.Leads != creates {
			return nil, fmt.Sprintf(`role %.64q has "creates":%t and "leads":%t, which mean the same; keep "creates" and remove "leads"`,
				w.Name, creates, *w.Leads)
		}
		list = append(list, declared{gang.Role{
			Name: w.Name, Min: w.Min, Creates: creates, Requests: w.Requests, NodeSelector: w.NodeSelector, Tolerations: w.Tolerations,
			Affinity: w.Affinity, TopologySpreadConstraints: w.TopologySpreadConstraints, Labels: w.Labels,
		}, w.Queue, (*string)(w.Preemptible), w.ExpectedRuntime, saidTopology{topologyFields(), [topologyParts]*string{
			w.TopologyRequired, w.TopologyPreferred, w.TopologySliceRequired, (*string)(w.TopologySliceSize), w.TopologySpread,
		}}})
	}
	return list, ""
}

// checkRole returns the error in one of the roles, or "".
func checkRole(r *gang.Roles, i int) string {
	role := r.List[i]
	if remedy := checkRoleName(role.Name); remedy != "" {
		return fmt.Sprintf("role %d: name %q: %s", i+1, role.Name, remedy)
	}
	switch {
	case r.Named(role.Name) != &r.List[i]:
		return fmt.Sprintf("it declares role %q twice", role.Name)
	case role.Min < 0 || role.Min == 0 && role.Creates:
		return fmt.Sprintf("role %q: min is %d; set it to how many pods of the role must start together", role.Name, role.Min)
	case role.Creates && r.Creator() != &r.List[i]:
		return fmt.Sprintf("roles %q and %q both create the others; only one role may", r.Creator().Name, role.Name)
	}
	if remedy := checkDeclared(role); remedy != "" {
		return fmt.Sprintf("role %q: %s", role.Name, remedy)
	}
	return ""
}

// maxEntries limits the number of requests, labels and so on of a role, maxBytes the size of the JSON that the caller decodes, in
// bytes.
const (
	maxEntries = 16
	maxBytes   = 8 << 10
)

// checkDeclared returns the error in the fields for pods that do not exist yet, or "".
func checkDeclared(r gang.Role) string {
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

func checkRoleName(name string) string {
	if !isLabel(name) {
		return `a role has a name of at most 63 lower-case letters, digits and '-', such as "worker"`
	}
	return ""
}

// isLabel reports whether the name is a DNS label (RFC 1123).
func isLabel(name string) bool {
	foreign := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	return name != "" && len(name) <= 63 && strings.Trim(name, "-") == name && !strings.ContainsFunc(name, foreign)
}
