package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// build builds a small program for the image.
func build(t *testing.T, arch, cgo string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "./testdata/program")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED="+cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// TestImage builds an image for two architectures, pushes it to a registry, and checks what a client pulls.
func TestImage(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	pushed := strings.TrimPrefix(server.URL, "http://") + "/kubenexus-scheduler:v1"
	binaries := map[string]string{"amd64": build(t, "amd64", "0"), "arm64": build(t, "arm64", "0")}
	args := []string{"--version=v1", "--revision=abc", "--date=2026-01-02T03:04:05Z"}
	for arch, binary := range binaries {
		args = append(args, arch+"="+binary)
	}
	first, second := filepath.Join(t.TempDir(), "image"), filepath.Join(t.TempDir(), "image")
	if err := run(append([]string{"--out=" + first, "--push=" + pushed}, args...)); err != nil {
		t.Fatal(err)
	}
	if err := run(append([]string{"--out=" + second, "--name=" + pushed}, args...)); err != nil {
		t.Fatal(err)
	}
	if a, b := read(t, first+"/index.json"), read(t, second+"/index.json"); !bytes.Equal(a, b) {
		t.Errorf("the same binaries give different images:\n%s\n%s", a, b)
	}
	onDisk, err := layout.ImageIndexFromPath(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(onDisk); err != nil {
		t.Errorf("the layout is not valid: %v", err)
	}

	if whole, tag := names(t, first); whole != pushed || tag != "v1" {
		t.Errorf("layout: name %q, tag %q; want %q and v1", whole, tag, pushed)
	}
	reference, err := name.ParseReference(pushed)
	if err != nil {
		t.Fatal(err)
	}
	for arch, binary := range binaries {
		image, err := remote.Image(reference, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if c := config.Config; config.Architecture != arch || c.User != "65532:65532" || c.Entrypoint[0] != "/usr/local/bin/kubenexus-scheduler" {
			t.Errorf("%s: architecture %s, user %s, entrypoint %v", arch, config.Architecture, c.User, c.Entrypoint)
		}
		files := contents(t, image)
		if !bytes.Equal(files["usr/local/bin/kubenexus-scheduler"], read(t, binary)) {
			t.Errorf("%s: another program is in the image", arch)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) {
			t.Errorf("%s: no certificates are in the image", arch)
		}
		var sbom spdxDocument
		if err := json.Unmarshal(files["usr/share/sbom/kubenexus-scheduler.spdx.json"], &sbom); err != nil {
			t.Error(err)
		}
		if len(sbom.Packages) != 3 || sbom.Packages[2].Name != "golang.org/x/crypto/x509roots/fallback" {
			t.Errorf("%s: the list of contents has %v", arch, sbom.Packages)
		}
		if !bytes.Equal(files["usr/share/sbom/kubenexus-scheduler.spdx.json"], read(t, first+"-"+arch+".spdx.json")) {
			t.Errorf("%s: the list beside the layout is another than that in the image", arch)
		}
	}
}

// TestNames are what containerd calls the image: kind, minikube and k3d import a layout without saying how.
func TestNames(t *testing.T) {
	binary := build(t, "amd64", "0")
	for _, tc := range []struct {
		args              []string
		wantName, wantTag string
	}{
		{[]string{"--version=v0.1.0"}, "localhost/kubenexus-scheduler:v0.1.0", "v0.1.0"},
		{[]string{"--version=v0.1.0-dev+abc"}, "localhost/kubenexus-scheduler:v0.1.0-dev-abc", "v0.1.0-dev-abc"},
		{[]string{"--version=test", "--program=work"}, "localhost/work:test", "test"},
		{[]string{"--version=v2", "--name=registry.example.com/scheduler:first"}, "registry.example.com/scheduler:first", "first"},
		{[]string{"--version=v2", "--name=us/scheduler"}, "docker.io/us/scheduler:latest", "latest"},
	} {
		out := filepath.Join(t.TempDir(), "image")
		if err := run(append(tc.args, "--out="+out, "--date=2026-01-02T03:04:05Z", "amd64="+binary)); err != nil {
			t.Fatal(err)
		}
		if whole, tag := names(t, out); whole != tc.wantName || tag != tc.wantTag {
			t.Errorf("%v: the layout has the name %q and the tag %q, want %q and %q", tc.args, whole, tag, tc.wantName, tc.wantTag)
		}
	}
}

// names returns the whole name and the tag of the only entry in a layout.
func names(t *testing.T, dir string) (whole, tag string) {
	t.Helper()
	onDisk, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := onDisk.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 1 {
		t.Fatalf("the layout has %d entries, want 1", len(index.Manifests))
	}
	annotations := index.Manifests[0].Annotations
	return annotations["io.containerd.image.name"], annotations["org.opencontainers.image.ref.name"]
}

// TestPlatforms: make builds for this machine, and what it pushes for all machines.
func TestPlatforms(t *testing.T) {
	host, err := exec.Command("go", "env", "GOHOSTARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	this := strings.TrimSpace(string(host))
	for _, tc := range []struct {
		variables []string
		want      string
	}{
		{nil, this},
		{[]string{"IMAGE=localhost/scheduler:first"}, this},
		{[]string{"PUSH=registry.example.com/scheduler:v1"}, "amd64 arm64"},
		{[]string{"PUSH=registry.example.com/scheduler:v1", "IMAGE_ARCHS=arm64"}, "arm64"},
	} {
		out, err := exec.Command("make", append([]string{"-n", "-C", "../..", "image"}, tc.variables...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var archs []string
		for _, found := range regexp.MustCompile(`GOOS=linux GOARCH=(\S+)`).FindAllStringSubmatch(string(out), -1) {
			archs = append(archs, found[1])
		}
		if got := strings.Join(archs, " "); got != tc.want {
			t.Errorf("make image %q builds for %q, want %q", tc.variables, got, tc.want)
		}
	}
}

func TestBadBinariesAreRefused(t *testing.T) {
	binary := build(t, "arm64", "0")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"amd64=" + binary: `it was built for "arm64", not for amd64`,
		"amd64=" + text:   "reading what the binary was built from",
		"amd64":           "is not ARCHITECTURE=BINARY",
		"amd64=/none":     "no such file",
	} {
		err := run([]string{"--out=" + t.TempDir(), "--date=2026-01-02T03:04:05Z", arg})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", arg, err, want)
		}
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	binary := build(t, "amd64", "0")
	for called, want := range map[string]string{
		"Scheduler:v1": "must be lowercase",
		"localhost/scheduler@sha256:" + strings.Repeat("0", 64): "has no tag: give one",
	} {
		err := run([]string{"--out=" + t.TempDir(), "--date=2026-01-02T03:04:05Z", "--name=" + called, "amd64=" + binary})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", called, err, want)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func contents(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	stream := mutate.Extract(image)
	defer func() { _ = stream.Close() }() // it was only read
	files := map[string][]byte{}
	for r := tar.NewReader(stream); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
