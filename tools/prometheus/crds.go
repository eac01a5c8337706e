//go:build tools

// Package tools names what the tests take from modules besides commands: the operator's module has the CustomResourceDefinitions
// that a ServiceMonitor is checked against, in example/prometheus-operator-crd.
package tools

import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
