// Package conventions reads what pods declare about their gangs: in the annotations of this project, and in those of Spark,
// Palantir's scheduler for Spark, and other schedulers.
//
// The package is pure, like internal/gang, whose Spec it returns. Each convention has its own file with a Reader, and a test.
package conventions
