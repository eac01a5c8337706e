package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	source = "https://github.com/kubenexus/kubenexus-scheduler"
	// nobody is the image's user; the manifests set the same one.
	nobody = "65532:65532"
)

// index returns the images of all architectures.
func (r release) index(binaries map[string]string) (*images, error) {
	made := &images{index: mutate.IndexMediaType(empty.Index, types.OCIImageIndex), sboms: map[string][]byte{}}
	made.index = mutate.Annotations(made.index, r.annotations()).(v1.ImageIndex) //nolint:errcheck // mutate keeps the type
	for _, arch := range slices.Sorted(maps.Keys(binaries)) {
		binary, err := os.ReadFile(binaries[arch])
		if err != nil {
			return nil, err
		}
		sbom, err := r.sbom(binary, arch)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", binaries[arch], err)
		}
		made.sboms[arch] = sbom
		image, err := r.image(binary, sbom, arch)
		if err != nil {
			return nil, fmt.Errorf("image for %s: %w", arch, err)
		}
		made.index = mutate.AppendManifests(made.index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: arch},
		}})
	}
	return made, nil
}

func (r release) annotations() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":    r.program,
		"org.opencontainers.image.version":  r.version,
		"org.opencontainers.image.revision": r.revision,
		"org.opencontainers.image.source":   source,
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.created":  r.date.UTC().Format(timestamp),
	}
}

// image returns the image of one architecture: one layer that rarely changes, and one with the program.
func (r release) image(binary, sbom []byte, arch string) (v1.Image, error) {
	certificates, err := r.layer(
		file{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities()},
		file{"etc/passwd", 0o644, []byte("nobody:x:65532:65532:nobody:/:/sbin/nologin\n")},
		file{"etc/group", 0o644, []byte("nobody:x:65532:\n")},
	)
	if err != nil {
		return nil, err
	}
	programs, err := r.layer(
		file{"usr/local/bin/" + r.program, 0o755, binary},
		file{"usr/share/sbom/" + r.program + ".spdx.json", 0o644, sbom},
	)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, layer := range []v1.Layer{certificates, programs} {
		image, err = mutate.Append(image, mutate.Addendum{
			Layer: layer, History: v1.History{CreatedBy: source + "/tools/image", Created: v1.Time{Time: r.date}},
		})
		if err != nil {
			return nil, err
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: r.date}
	config.Config = v1.Config{
		User: nobody, Entrypoint: []string{"/usr/local/bin/" + r.program}, Labels: r.annotations(), WorkingDir: "/",
		Env:          []string{"PATH=/usr/local/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
		ExposedPorts: map[string]struct{}{"10259/tcp": {}},
	}
	return mutate.ConfigFile(image, config)
}

// file is a file of a layer.
type file struct {
	name    string
	mode    int64
	content []byte
}

// layer returns a compressed layer with the files and their directories.
func (r release) layer(files ...file) (v1.Layer, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	made := map[string]bool{}
	for _, f := range files {
		for i, c := range f.name {
			dir := f.name[:i+1]
			if c != '/' || made[dir] {
				continue
			}
			made[dir] = true
			header := &tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: r.date, Format: tar.FormatUSTAR}
			if err := w.WriteHeader(header); err != nil {
				return nil, err
			}
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: r.date, Format: tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

// authorities returns Mozilla's certificate authorities in PEM, except those with a constraint that PEM cannot express.
func authorities() []byte {
	var buffer bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			// Writing to a buffer does not fail.
			_ = pem.Encode(&buffer, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return buffer.Bytes()
}
