// Package page has the web page of kubenexus serve. It is made from web/ by `make page`; what is made is committed, so that building the
// command needs no Node.js.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed dist
var dist embed.FS

// policy is the Content-Security-Policy: the page loads what it was served with, and asks this server. No other site may frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is a file of the page.
type file struct {
	kind         string
	tag          string
	plain, small []byte // small is plain, compressed
}

// Page serves the files of the page.
type Page struct{ files map[string]file }

// New reads the files.
func New() (*Page, error) {
	p := &Page{files: map[string]file{}}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		made, err := newFile(name, content)
		if err != nil {
			return err
		}
		p.files[strings.TrimPrefix(name, "dist")] = made
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the files of the page: %w", err)
	}
	return p, nil
}

func newFile(name string, content []byte) (file, error) {
	var small bytes.Buffer
	zip, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return file{}, fmt.Errorf("compressing %s: %w", name, err)
	}
	if _, err := zip.Write(content); err != nil {
		return file{}, fmt.Errorf("compressing %s: %w", name, err)
	}
	if err := zip.Close(); err != nil {
		return file{}, fmt.Errorf("compressing %s: %w", name, err)
	}
	sum := sha256.Sum256(content)
	return file{
		kind: mime.TypeByExtension(path.Ext(name)), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, plain: content, small: small.Bytes(),
	}, nil
}

// Paths returns the patterns of the paths that the page has, for a ServeMux.
func (p *Page) Paths() []string {
	paths := []string{"GET /{$}"}
	for name := range p.files {
		if name != index {
			paths = append(paths, "GET "+name)
		}
	}
	return paths
}

const index = "/index.html"

// ServeHTTP serves a file. Browsers keep it, and ask each time whether it is still the same.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path
	if name == "/" {
		name = index
	}
	found, ok := p.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Type", found.kind)
	header.Set("Vary", "Accept-Encoding")
	header.Set("ETag", found.tag)
	if r.Header.Get("If-None-Match") == found.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	content := found.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = found.small
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // the reader may be gone
	}
}
