package conventions_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// TestKeys: whoever keeps only these annotations and labels of a pod misses nothing that this package reads. Each text in its source that
// looks like a key has to be one of them, or be known to be none.
func TestKeys(t *testing.T) {
	key := regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z0-9-]+(/[A-Za-z0-9._-]+)?$|^[a-z]+(-[a-z]+)+(-nvidia\.com/gpu)?$`)
	none := []string{
		"ephemeral-storage", "nvidia.com/gpu", "scheduler-plugins", // a resource and a product
		"whole-gang", // a value
	}
	keys := conventions.Keys()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			text, is := n.(*ast.BasicLit)
			if !is || text.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(text.Value)
			if err != nil || !key.MatchString(value) || slices.Contains(none, value) {
				return true
			}
			seen++
			if !slices.Contains(keys, value) {
				t.Errorf("%s has %q, which is not among the keys", name, value)
			}
			return true
		})
	}
	if seen < len(keys) {
		t.Errorf("the source has %d texts that are keys, fewer than the %d keys", seen, len(keys))
	}
}
