// Package convert turns manifests that were written for other gang schedulers into manifests for this one. It changes pod templates, and
// nothing else of a manifest: order and comments stay as they are.
//
// The package is pure: it gets the text of files, and returns text.
package convert
