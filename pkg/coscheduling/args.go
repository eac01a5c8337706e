package coscheduling

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// ArgsAPIVersion is the version of the plugins' arguments. They may leave it out.
const ArgsAPIVersion = "kubenexus.io/v1"

// Args are the arguments of the plugins Coscheduling and BatchPermit in the configuration file. Their kind is the
// plugin's name with "Args" behind it, and may be left out.
type Args struct {
	metav1.TypeMeta `json:",inline"`
	// Timeout is the time to warn after: if a gang has not started by then, its members get a Warning event. The
	// gang keeps waiting. 0 means the plugin's default. A gang can set its own with the annotation kubenexus.io/schedule-timeout.
	Timeout metav1.Duration `json:"timeout,omitempty"`
	// Placement is how gangs are placed: "pack" (the default) fills the nodes with the least free capacity first, "spread"
	// puts as few members on each node as possible. A gang can set its own with the annotation kubenexus.io/placement.
	Placement gang.Placement `json:"placement,omitempty"`
	// ReservationTimeout is how long capacity is reserved for the members that a creator declared, from when the creator was
	// bound; 0 means 5m. A gang can set its own with the annotation kubenexus.io/reservation-timeout.
	ReservationTimeout metav1.Duration `json:"reservationTimeout,omitempty"`
	// ReservedShare is the largest share of the cluster, of any resource, that one namespace may reserve for pods that do not exist
	// yet: above 0 and up to 1. The default is 0.95.
	ReservedShare float64 `json:"reservedShare,omitempty"`
	// UnknownGangs is what happens to pods that only other schedulers' keys, or spec.schedulingGroup, tie together: "Wait" (the
	// default) keeps them Pending, with an event that says what to do; "Schedule" schedules them one by one. In a profile with two
	// such plugins, both have to say "Schedule".
	UnknownGangs conventions.UnknownGangs `json:"unknownGangs,omitempty"`
}

const (
	defaultReservationTimeout = 5 * time.Minute
	defaultReservedShare      = 0.95
)

// parseArgs decodes the arguments of the plugin for this convention. It rejects unknown fields.
func parseArgs(obj runtime.Object, d conventions.Convention) (Args, error) {
	args := Args{
		Timeout: metav1.Duration{Duration: d.DefaultTimeout}, Placement: gang.Pack,
		ReservationTimeout: metav1.Duration{Duration: defaultReservationTimeout}, ReservedShare: defaultReservedShare,
	}
	switch given := obj.(type) {
	case nil:
		return args, nil
	case *runtime.Unknown:
		if err := decodeStrictly(given.Raw, &args); err != nil {
			return Args{}, fmt.Errorf("arguments of plugin %s: %w", d.Name, err)
		}
	default:
		return Args{}, fmt.Errorf("arguments of plugin %s have the type %T; write them in the configuration file", d.Name, obj)
	}
	kind := d.Name + "Args"
	switch {
	case args.APIVersion != "" && args.APIVersion != ArgsAPIVersion:
		return Args{}, fmt.Errorf("arguments of plugin %s: apiVersion is %q; use %q or leave it out",
			d.Name, args.APIVersion, ArgsAPIVersion)
	case args.Kind != "" && args.Kind != kind:
		return Args{}, fmt.Errorf("arguments of plugin %s: kind is %q; use %q or leave it out", d.Name, args.Kind, kind)
	case args.Timeout.Duration < 0 || args.Timeout.Duration > conventions.MaxTimeout:
		return Args{}, fmt.Errorf("arguments of plugin %s: timeout is %s; set it above 0s and up to %s",
			d.Name, args.Timeout.Duration, conventions.MaxTimeout)
	}
	if args.Timeout.Duration == 0 {
		args.Timeout.Duration = d.DefaultTimeout
	}
	if err := args.checkReservations(d); err != nil {
		return Args{}, err
	}
	if err := args.checkChoices(d); err != nil {
		return Args{}, err
	}
	return args, nil
}

// checkChoices validates the arguments that have two possible values, and sets defaults.
func (a *Args) checkChoices(d conventions.Convention) error {
	if a.Placement == "" {
		a.Placement = gang.Pack
	}
	if a.UnknownGangs == "" {
		a.UnknownGangs = conventions.WaitIfUnknown
	}
	if _, known := gang.ParsePlacement(string(a.Placement)); !known {
		return fmt.Errorf("arguments of plugin %s: placement is %q; use %q or %q", d.Name, a.Placement, gang.Pack, gang.Spread)
	}
	if u := a.UnknownGangs; u != conventions.WaitIfUnknown && u != conventions.ScheduleIfUnknown {
		return fmt.Errorf("arguments of plugin %s: unknownGangs is %q; use %q or %q", d.Name, u,
			conventions.WaitIfUnknown, conventions.ScheduleIfUnknown)
	}
	return nil
}

// checkReservations validates the limits of reservations, and sets defaults.
func (a *Args) checkReservations(d conventions.Convention) error {
	if t := a.ReservationTimeout.Duration; t < 0 || t > conventions.MaxTimeout {
		return fmt.Errorf("arguments of plugin %s: reservationTimeout is %s; set it above 0s and up to %s",
			d.Name, t, conventions.MaxTimeout)
	}
	if a.ReservationTimeout.Duration == 0 {
		a.ReservationTimeout.Duration = defaultReservationTimeout
	}
	if a.ReservedShare <= 0 || a.ReservedShare > 1 {
		return fmt.Errorf("arguments of plugin %s: reservedShare is %g; set it above 0 and up to 1", d.Name, a.ReservedShare)
	}
	return nil
}

func decodeStrictly(raw []byte, args *Args) error {
	if len(raw) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("not an object: %w", err)
	}
	for _, field := range []string{"timeout", "reservationTimeout"} {
		text, ok := fields[field]
		if !ok {
			continue
		}
		var duration string
		err := json.Unmarshal(text, &duration)
		if err == nil {
			_, err = time.ParseDuration(duration)
		}
		if err != nil {
			return fmt.Errorf("%s is %s; use a duration such as \"30s\" or \"10m\"", field, text)
		}
	}
	strict, err := kjson.UnmarshalStrict(raw, args)
	if err != nil {
		return err
	}
	if len(strict) > 0 {
		texts := make([]string, len(strict))
		for i, e := range strict {
			texts[i] = e.Error()
		}
		return fmt.Errorf("%s; the fields are apiVersion, kind, timeout, placement, reservationTimeout, reservedShare and unknownGangs",
			strings.Join(texts, ", "))
	}
	return nil
}
