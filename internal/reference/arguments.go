package reference

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// Arguments returns the page of the plugins' arguments, from the comments of the struct Args in the source.
func Arguments(source []byte) (string, error) {
	fields, err := argsFields(source)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Plugin arguments\n\n" +
		"Set them in the configuration file, in the `pluginConfig` of a profile: [an example](../configuration.md#with-a-file). All are " +
		"optional. The scheduler does not start with a field that is not listed here or an invalid value; the error names it. " +
		generated + "\n")
	var plugins [][]string
	for _, d := range conventions.All() {
		plugins = append(plugins, []string{
			"`" + d.Name + "`", "`" + d.GroupAnnotation + "`, `" + d.MinAvailableAnnotation + "`", short(d.DefaultTimeout),
		})
	}
	table(&b, []string{"plugin", "annotations", "default `timeout`"}, plugins)
	b.WriteString("\n")
	table(&b, []string{"argument", "type", "what it is"}, fields)
	b.WriteString("\n`apiVersion: kubenexus.io/v1` and `kind`, the name of the plugin followed by `Args`, are optional.\n")
	return b.String(), nil
}

// argsFields returns the name, the type and the description of each argument.
func argsFields(source []byte) ([][]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "args.go", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var args *ast.StructType
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Args" {
			args, _ = spec.Type.(*ast.StructType)
		}
		return true
	})
	if args == nil {
		return nil, errors.New("the source has no struct Args")
	}
	var rows [][]string
	for _, field := range args.Fields.List {
		if len(field.Names) == 0 {
			continue // apiVersion and kind
		}
		name := field.Names[0].Name
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			return nil, err
		}
		key, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		text, described := strings.CutPrefix(strings.Join(strings.Fields(field.Doc.Text()), " "), name+" is ")
		if !described {
			return nil, fmt.Errorf("the comment of %s does not begin with %q", name, name+" is ")
		}
		rows = append(rows, []string{"`" + key + "`", typeOf(field.Type), upper(asCode(text))})
	}
	return rows, nil
}

// typeOf says how a value of the type is written in YAML.
func typeOf(expr ast.Expr) string {
	switch t := expr.(type) {
	case *ast.SelectorExpr:
		if t.Sel.Name == "Duration" {
			return "duration, such as `30s`"
		}
	case *ast.Ident:
		if t.Name == "float64" {
			return "number"
		}
	}
	return "string"
}

// quoted are values and annotations in a comment.
var quoted = regexp.MustCompile(`"(\w+)"|(kubenexus\.io/[a-z-]+|spec\.\w+)`)

// asCode marks them as code.
func asCode(text string) string { return quoted.ReplaceAllString(text, "`$1$2`") }

// short writes a duration without the zeros at its end.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// upper begins a sentence.
func upper(text string) string {
	runes := []rune(text)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}
