//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("SKIPPED: real nodes need Linux.")
	os.Exit(1)
}
