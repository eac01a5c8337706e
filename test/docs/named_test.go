package docs

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile(`\bTest[A-Z]\w*`)
	testFunc = regexp.MustCompile(`(?m)^func (Test[A-Z]\w*)\(`)
)

// TestTestsThatPagesNameExist: a page that says which test shows something must not name one that was renamed. A page may name the beginning
// only, as go test -run does.
func TestTestsThatPagesNameExist(t *testing.T) {
	all := testsOfTheRepository(t)
	named := 0
	for _, page := range markdown(t) {
		for _, name := range testName.FindAllString(read(t, page), -1) {
			named++
			if !strings.Contains(all, "\n"+name) {
				t.Errorf("%s names %s, which no file has", page, name)
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d names of tests were found", named)
	}
}

// testsOfTheRepository returns the names of all tests, each on a line.
func testsOfTheRepository(t *testing.T) string {
	t.Helper()
	var names strings.Builder
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules" || file == "bin"):
			return fs.SkipDir
		case strings.HasSuffix(file, "_test.go"):
			for _, found := range testFunc.FindAllStringSubmatch(read(t, file), -1) {
				names.WriteString("\n" + found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names.String()
}

// TestTheImageThatIsBuiltIsTheOneThatRuns: on kind, the image is built, loaded and applied by one name and from one file.
func TestTheImageThatIsBuiltIsTheOneThatRuns(t *testing.T) {
	page := read(t, "docs/get-started/kind.md")
	for what, pattern := range map[string]string{
		"the name of the image":    `make image IMAGE=(\S+)|latest\|([^|]+)\||# has (\S+)`,
		"the file that is written": `-cf (\S+)|image-archive (\S+)|image load (bin\S+)|image import (\S+)`,
	} {
		said := map[string]int{}
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1) {
			said[strings.Join(found[1:], "")]++
		}
		var times int
		for _, n := range said {
			times += n
		}
		if len(said) != 1 || times < 3 {
			t.Errorf("%s: the page has %v, want one, and at least three times", what, said)
		}
	}
}
