// Package version says which KubeNexus this is.
package version

import "runtime/debug"

// release is set by the linker in release builds.
var release string

// String returns the version of this binary: that of the release, of the module, or of the commit that it was built
// from.
func String() string {
	if release != "" {
		return release
	}
	const unknown = "v0.0.0-unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "v0.0.0-dev+" + setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "v0.0.0-dev"
}
