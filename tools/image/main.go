// Image builds a container image from static binaries and nothing else: an OCI layout with one image per architecture. It needs no Docker
// and pulls nothing, and the same binaries give the same digests.
//
//	image --out DIR --version V --date RFC3339 [--name NAME:TAG | --push NAME:TAG] amd64=BINARY arm64=BINARY
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/distribution/reference"
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
	called := flags.String("name", "", "the name that a container runtime gives the image when it imports the layout, such as localhost/name:tag; "+
		"the default is what --push says, or else localhost/PROGRAM:VERSION")
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
	image, err := imageName(cmp.Or(*called, *push, local(r)))
	if err != nil {
		return err
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
	if err := write(*out, made, image); err != nil {
		return fmt.Errorf("writing %s: %w", *out, err)
	}
	digest, err := made.index.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s in %s, named %s\n", digest, *out, image)
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

// local returns the name of an image that is not pushed. It says the version, because a node that has an image of a name does not take a
// newer one of the same name. On localhost there is no registry: a node that does not have the image does not get one from elsewhere.
func local(r release) string {
	return "localhost/" + r.program + ":" + strings.ReplaceAll(cmp.Or(r.version, "latest"), "+", "-") // a tag has no plus
}

// imageName reads a name as containerd and Docker do: with the registry and the tag that they add if it has none.
func imageName(text string) (reference.NamedTagged, error) {
	named, err := reference.ParseDockerRef(text)
	if err != nil {
		return nil, fmt.Errorf("the image's name %q: %w", text, err)
	}
	tagged, ok := named.(reference.NamedTagged)
	if !ok {
		return nil, fmt.Errorf("the image's name %q has no tag: give one, such as localhost/name:tag", text)
	}
	return tagged, nil
}

// write writes the layout, and the SBOMs beside it.
func write(dir string, made *images, image reference.NamedTagged) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	names := layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": image.Tag(),    // skopeo and others use this as the tag
		"io.containerd.image.name":          image.String(), // containerd, Docker and Podman use this as the name
	})
	if err := path.AppendIndex(made.index, names); err != nil {
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
