// Package examples has the manifests that the demo applies. They work on any cluster where the scheduler runs.
package examples

import "embed"

// Files are the manifests.
//
//go:embed *.yaml
var Files embed.FS
