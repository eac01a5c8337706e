//go:build tools

// Package tools imports what the tests need from modules besides commands: the operator's CustomResourceDefinitions in
// example/prometheus-operator-crd, which a ServiceMonitor is validated against.
package tools

import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
