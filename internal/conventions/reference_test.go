package conventions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestEveryAnnotationIsInTheReference checks that the reference lists each key that is a constant of this package.
func TestEveryAnnotationIsInTheReference(t *testing.T) {
	listed := map[string]bool{}
	for _, a := range append(Annotations(), SparkKeys()...) {
		if a.On == "" || a.Value == "" || a.Meaning == "" {
			t.Errorf("%s is not described: %+v", a.Key, a)
		}
		listed[a.Key] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for _, value := range spec.Values {
				literal, ok := value.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					continue
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(text, "kubenexus.io/") && !strings.HasPrefix(text, "spark-") {
					continue
				}
				if found++; !listed[text] {
					t.Errorf("%s has the key %s, which is not in the reference", file, text)
				}
			}
			return true
		})
	}
	if found < 10 {
		t.Errorf("only %d keys were found in the source", found)
	}
}
