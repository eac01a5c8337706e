// Image builds a container image from static binaries and nothing else: an OCI layout with one image per architecture. It needs no Docker
// and pulls nothing, and the same binaries give the same digests.
//
//	image --out DIR --version V --date RFC3339 [--push REFERENCE] amd64=BINARY arm64=BINARY
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// release describes the build: in the image's configuration, its annotations and its SBOM.
type release struct {
	// program is the binary's name in the image.
	program           string
	version, revision string
	date              time.Time
}

// run executes the command line.
func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	out := flags.String("out", "", "the directory for the OCI layout, which is replaced")
	program := flags.String("program", "kubenexus-scheduler", "the name of the program in the image")
	version := flags.String("version", "", "the version of what is in the image")
	revision := flags.String("revision", "", "the commit")
	date := flags.String("date", "", "the time of all files, such as 2026-01-02T15:04:05Z")
	push := flags.String("push", "", "where to push the image, such as registry.example.com/name:tag; with the credentials of docker login")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() == 0 {
		return fmt.Errorf("give --out and at least one ARCHITECTURE=BINARY")
	}
	r := release{program: *program, version: *version, revision: *revision}
	var err error
	if r.date, err = time.Parse(time.RFC3339, *date); err != nil {
		return fmt.Errorf("--date: %w", err)
	}
	binaries := map[string]string{}
	for _, arg := range flags.Args() {
		arch, file, found := strings.Cut(arg, "=")
		if !found {
			return fmt.Errorf("%q is not ARCHITECTURE=BINARY", arg)
		}
		binaries[arch] = file
	}
	made, err := r.index(binaries)
	if err != nil {
		return err
	}
	if err := write(*out, made); err != nil {
		return fmt.Errorf("writing %s: %w", *out, err)
	}
	digest, err := made.index.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s in %s\n", digest, *out)
	if *push == "" {
		return nil
	}
	where, err := name.ParseReference(*push)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(where, made.index, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("pushing: %w", err)
	}
	fmt.Println("pushed to", where)
	return nil
}

// write writes the layout, and the SBOMs beside it.
func write(dir string, made *images) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	// Tools that read layouts use this annotation as the tag.
	tag := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latest"})
	if err := path.AppendIndex(made.index, tag); err != nil {
		return err
	}
	for arch, sbom := range made.sboms {
		if err := os.WriteFile(fmt.Sprintf("%s-%s.spdx.json", filepath.Clean(dir), arch), sbom, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// images are the images and their SBOMs.
type images struct {
	index v1.ImageIndex
	sboms map[string][]byte
}
