// Package conventions reads what pods say of their gangs: in the annotations of this project, and as Spark, Palantir's scheduler for
// Spark, and other schedulers write it.
//
// The package is pure, as internal/gang is, for which it reads. Each convention has a file, a Reader and a test.
package conventions
