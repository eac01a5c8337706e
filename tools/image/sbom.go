package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
)

// The parts of an SPDX 2.3 document that are used here.
type (
	spdxDocument struct {
		SPDXVersion       string             `json:"spdxVersion"`
		DataLicense       string             `json:"dataLicense"`
		SPDXID            string             `json:"SPDXID"`
		Name              string             `json:"name"`
		DocumentNamespace string             `json:"documentNamespace"`
		CreationInfo      spdxCreation       `json:"creationInfo"`
		Packages          []spdxPackage      `json:"packages"`
		Relationships     []spdxRelationship `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		SPDXID           string         `json:"SPDXID"`
		Name             string         `json:"name"`
		VersionInfo      string         `json:"versionInfo"`
		DownloadLocation string         `json:"downloadLocation"`
		FilesAnalyzed    bool           `json:"filesAnalyzed"`
		Checksums        []spdxChecksum `json:"checksums,omitempty"`
		ExternalRefs     []spdxRef      `json:"externalRefs,omitempty"`
		Purpose          string         `json:"primaryPackagePurpose,omitempty"`
		LicenseConcluded string         `json:"licenseConcluded"`
		LicenseDeclared  string         `json:"licenseDeclared"`
		Copyright        string         `json:"copyrightText"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxRef struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxRelationship struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

const (
	unsaid    = "NOASSERTION"
	timestamp = "2006-01-02T15:04:05Z"
)

// sbom returns the modules of a Go binary, as the linker recorded them, in SPDX.
func (r release) sbom(binary []byte, arch string) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("reading what the binary was built from: %w", err)
	}
	if built := setting(info, "GOARCH"); built != arch {
		return nil, fmt.Errorf("it was built for %q, not for %s", built, arch)
	}
	if setting(info, "CGO_ENABLED") != "0" {
		return nil, fmt.Errorf("it was not built with CGO_ENABLED=0, so it needs libraries that are not in the image")
	}
	sum := sha256.Sum256(binary)
	digest := hex.EncodeToString(sum[:])
	main := goModule("main", info.Main.Path, r.version)
	main.Purpose, main.LicenseDeclared = "APPLICATION", "Apache-2.0"
	main.Checksums = []spdxChecksum{{Algorithm: "SHA256", Value: digest}}
	document := spdxDocument{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: r.program + "-" + arch,
		DocumentNamespace: source + "/sbom/" + digest,
		CreationInfo: spdxCreation{
			Created: r.date.UTC().Format(timestamp), Creators: []string{"Tool: " + source + "/tools/image"},
		},
		Packages: []spdxPackage{main, goModule("go", "stdlib", strings.TrimPrefix(info.GoVersion, "go"))},
		Relationships: []spdxRelationship{
			{"SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-main"}, {"SPDXRef-main", "DEPENDS_ON", "SPDXRef-go"},
		},
	}
	for i, module := range info.Deps {
		if module.Replace != nil && module.Replace.Version != "" {
			module = module.Replace
		}
		p := goModule(fmt.Sprint("module-", i), module.Path, module.Version)
		document.Packages = append(document.Packages, p)
		document.Relationships = append(document.Relationships, spdxRelationship{"SPDXRef-main", "DEPENDS_ON", p.SPDXID})
	}
	return json.MarshalIndent(document, "", " ")
}

func goModule(id, path, version string) spdxPackage {
	return spdxPackage{
		SPDXID: "SPDXRef-" + id, Name: path, VersionInfo: version, DownloadLocation: unsaid,
		LicenseConcluded: unsaid, LicenseDeclared: unsaid, Copyright: unsaid,
		ExternalRefs: []spdxRef{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")}},
	}
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
