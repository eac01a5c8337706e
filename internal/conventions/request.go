package conventions

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// The resources with units of their own. All others are devices and are counted in whole numbers.
const (
	cpuResource     = "cpu"
	memoryResource  = "memory"
	storageResource = "ephemeral-storage"
	hugePages       = "hugepages-"
)

// quantity matches a quantity as in a container's requests, without forms that are slow to parse. foreign matches an amount of
// memory in the notation of other programs, such as the JVM.
var (
	quantity = regexp.MustCompile(`^([0-9]{1,18}(?:\.[0-9]{1,9})?)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$`)
	foreign  = regexp.MustCompile(`^ *([0-9]{1,18}(?:\.[0-9]{1,9})?) *(?:([kmgtpeKMGTPE])[iI]?)?[bB]? *$`)
	device   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
)

const (
	// mebibyte is the smallest plausible amount of memory: a smaller number usually lacks its unit.
	mebibyte = 1 << 20
	// mostCores, and mostUnits of everything else, are more than any node has. Larger values could overflow sums of requests.
	mostCores = 1 << 32
	mostUnits = 1 << 50
)

// checkRequest returns the error in a quantity of a resource, or "". The API server accepts some of these quantities and rounds
// them up: "2048m" of memory becomes three bytes. Pods with such requests start on nodes without enough memory.
func checkRequest(name, text string) string {
	unit := ""
	amount := new(big.Rat)
	parts := quantity.FindStringSubmatch(text)
	if parts != nil {
		unit = parts[2]
		amount = amountOf(parts[1], unit)
	}
	most := big.NewRat(mostUnits, 1)
	if name == cpuResource {
		most.SetInt64(mostCores)
	}
	switch {
	case amount.Cmp(most) > 0:
		return "it is more than any node has; write what one pod requests"
	case name == cpuResource:
		return checkCPU(parts != nil, amount)
	case name == memoryResource, name == storageResource, strings.HasPrefix(name, hugePages):
		return checkBytes(name, text, parts != nil, amount, unit)
	case !device.MatchString(name):
		return `it is not a valid resource request; request "cpu", "memory", "ephemeral-storage", "hugepages-2Mi", ` +
			`or a device by its whole name, such as "nvidia.com/gpu"`
	case parts == nil || amount.Sign() == 0:
		return `it is not a valid resource request; use a value such as "1"`
	case !amount.IsInt() || fractional(unit):
		return `devices are counted in whole numbers; use a value such as "1"`
	}
	return ""
}

func checkCPU(isQuantity bool, cores *big.Rat) string {
	switch {
	case !isQuantity || cores.Sign() == 0:
		return `it is not a valid resource request; use a value such as "1" or "500m"`
	case cores.Cmp(big.NewRat(1, 1000)) < 0:
		return `it is less than a millicore, which is the least that a pod can request; use a value such as "1" or "500m"`
	}
	return ""
}

// checkBytes checks an amount of memory or storage.
func checkBytes(name, text string, isQuantity bool, bytes *big.Rat, unit string) string {
	unitless := unit == "" || exponent(unit)
	least := big.NewRat(1, 1)
	if unitless || name == memoryResource {
		least = big.NewRat(mebibyte, 1)
	}
	switch {
	case !isQuantity || bytes.Sign() == 0:
		return "it is not a valid resource request; write " + likelyBytes(text)
	case fractional(unit):
		return fmt.Sprintf("it is %s bytes, because %q stands for %s; write %s",
			decimal(bytes), unit, map[string]string{"n": "billionths", "u": "millionths", "m": "thousandths"}[unit], likelyBytes(text))
	case unitless && !bytes.IsInt() || bytes.Cmp(big.NewRat(1, 1)) < 0:
		return fmt.Sprintf("it is %s bytes, but a byte has no fractions; write %s", decimal(bytes), likelyBytes(text))
	case bytes.Cmp(least) < 0:
		return fmt.Sprintf("it is %s bytes, which is too little; write %s", decimal(bytes), likelyBytes(text))
	}
	return checkPages(name, bytes)
}

// likelyBytes is the quantity that the user probably meant by an invalid amount of memory or storage.
func likelyBytes(text string) string {
	const example = `a value such as "2Gi"`
	parts := foreign.FindStringSubmatch(text)
	if len(parts) == 0 {
		return example
	}
	number, unit := parts[1], strings.ToUpper(parts[2])
	if unit == "" {
		if strings.Contains(number, ".") {
			return example
		}
		unit = "M"
	}
	unit += "i"
	if likely := amountOf(number, unit); likely.Cmp(big.NewRat(mebibyte, 1)) < 0 || number+unit == text {
		return example
	}
	if parts[2] == "" {
		return fmt.Sprintf("%q for mebibytes", number+unit)
	}
	return fmt.Sprintf("%q", number+unit)
}

// checkPages checks that a request for huge pages is a multiple of the page size. The resource's name contains the page size.
func checkPages(name string, bytes *big.Rat) string {
	size, huge := strings.CutPrefix(name, hugePages)
	if !huge {
		return ""
	}
	parts := quantity.FindStringSubmatch(size)
	if parts == nil {
		return `the resource name has no page size; use a name such as "hugepages-2Mi"`
	}
	page := amountOf(parts[1], parts[2])
	if page.Sign() == 0 || !new(big.Rat).Quo(bytes, page).IsInt() {
		return fmt.Sprintf("it is not a multiple of %s, the page size", size)
	}
	return ""
}

// amountOf is the value of a number with a unit.
func amountOf(number, unit string) *big.Rat {
	amount, _ := new(big.Rat).SetString(number) // the patterns match only valid numbers
	powers := func(base, exponent int64) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(base), big.NewInt(exponent), nil))
	}
	const larger, smaller = "kMGTPE", "mun"
	switch {
	case unit == "":
	case strings.HasSuffix(unit, "i"):
		amount.Mul(amount, powers(1024, int64(strings.Index("KMGTPE", unit[:1]))+1))
	case exponent(unit):
		scale, _ := new(big.Rat).SetString("1" + unit)
		amount.Mul(amount, scale)
	case strings.Contains(larger, unit):
		amount.Mul(amount, powers(1000, int64(strings.Index(larger, unit))+1))
	default:
		amount.Quo(amount, powers(1000, int64(strings.Index(smaller, unit))+1))
	}
	return amount
}

// fractional reports whether a unit stands for a fraction, exponent whether it is a power of ten.
func fractional(unit string) bool { return unit == "n" || unit == "u" || unit == "m" }

func exponent(unit string) bool { return unit != "" && unit[len(unit)-1] <= '9' }

// decimal formats an amount without trailing zeros.
func decimal(amount *big.Rat) string {
	text := amount.FloatString(9)
	if whole, parts, _ := strings.Cut(text, "."); strings.Trim(parts, "0") == "" {
		return whole
	}
	return strings.TrimRight(text, "0")
}
