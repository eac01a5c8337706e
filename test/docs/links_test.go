package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ours is where the repository's own files are, as they are linked from elsewhere.
const ours = "https://github.com/kubenexus/kubenexus-scheduler/blob/main/"

// TestLinks: what a page links to in this repository exists, and so does the heading that it names.
func TestLinks(t *testing.T) {
	pages := markdown(t)
	if len(pages) < 30 {
		t.Fatalf("only %d pages were found", len(pages))
	}
	links := 0
	for _, page := range pages {
		for _, link := range linksOf(read(t, page)) {
			links++
			if err := follow(page, link); err != nil {
				t.Errorf("%s links to %s: %v", page, link, err)
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links were found", links)
	}
}

// markdown returns all pages of the repository.
func markdown(t *testing.T) []string {
	t.Helper()
	var pages []string
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules" || file == "bin"):
			return fs.SkipDir
		case path.Ext(file) == ".md":
			pages = append(pages, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

var (
	fence = regexp.MustCompile("(?ms)^\\s*```.*?^\\s*```\\s*?$")
	code  = regexp.MustCompile("`[^`\n]*`")
	// inline is [text](target), also if the text is a link or a picture itself; defined is [name]: target.
	inline  = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?[^)]*\)`)
	defined = regexp.MustCompile(`(?m)^\s*\[[^\]]+\]:\s+(\S+)`)
	heading = regexp.MustCompile(`(?m)^#{1,6}\s+(.+?)\s*#*$`)
	linked  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// linksOf returns the targets of a page's links.
func linksOf(text string) []string {
	text = code.ReplaceAllString(fence.ReplaceAllString(text, ""), "code")
	var targets []string
	for _, found := range slices.Concat(inline.FindAllStringSubmatch(text, -1), defined.FindAllStringSubmatch(text, -1)) {
		targets = append(targets, found[1])
	}
	return targets
}

// follow returns why a link from a page leads nowhere in this repository. Links to elsewhere are not tried.
func follow(page, link string) error {
	target, inRepository := strings.CutPrefix(link, ours)
	if !inRepository {
		if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
			return nil
		}
		target = path.Join(path.Dir(page), link)
		if strings.HasPrefix(link, "#") {
			target = page + link
		}
	}
	file, anchor, _ := strings.Cut(target, "#")
	if strings.HasPrefix(file, "..") {
		return fmt.Errorf("it is outside the repository")
	}
	info, err := os.Stat(filepath.Join(root, file))
	if err != nil || anchor == "" {
		return err
	}
	if info.IsDir() || path.Ext(file) != ".md" {
		return fmt.Errorf("%s has no headings", file)
	}
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return err
	}
	if all := anchors(string(data)); !slices.Contains(all, anchor) {
		return fmt.Errorf("%s has no such heading; it has %s", file, strings.Join(all, ", "))
	}
	return nil
}

// anchors returns what GitHub makes of a page's headings.
func anchors(text string) []string {
	var all []string
	times := map[string]int{}
	for _, found := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := linked.ReplaceAllString(found[1], "$1")
		name = strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c > 127:
				return c
			}
			return -1
		}, strings.ToLower(name))
		if n := times[name]; n > 0 {
			all = append(all, fmt.Sprintf("%s-%d", name, n))
		} else {
			all = append(all, name)
		}
		times[name]++
	}
	return all
}

func TestLinksAreFound(t *testing.T) {
	const page = "# Why does it wait?\n## `a-b` and [c](d.md)\n## Twice\n## Twice\n" +
		"[x](README.md) `[no](code)` ![y](a.svg) [![z](b.svg)](c.md)\n```sh\n# no heading\n[no](fence)\n```\n[name]: e.md\n"
	if got, want := fmt.Sprint(linksOf(page)), "[d.md README.md a.svg b.svg c.md e.md]"; got != want {
		t.Errorf("links %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(anchors(page)), "[why-does-it-wait a-b-and-c twice twice-1]"; got != want {
		t.Errorf("anchors %s, want %s", got, want)
	}
	for link, dead := range map[string]bool{
		"README.md#install-it": false, "README.md#nowhere": true, "nothing.md": true, "LICENSE": false, "LICENSE#x": true,
		"https://example.com": false, ours + "README.md": false, ours + "nothing.md": true, "../outside.md": true,
		"docs/adr": false, "#install-it": false,
	} {
		if err := follow("README.md", link); (err != nil) != dead {
			t.Errorf("following %s: %v", link, err)
		}
	}
}
