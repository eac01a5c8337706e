package convert

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/internal/convert"
)

// The bounds of what is read: of one file, and of all.
const (
	maxFile  = 8 << 20
	maxFiles = 64 << 20
)

// read returns the manifests in files, in directories, and in standard input for -.
func read(names []string, recursive bool, stdin io.Reader) ([]convert.File, error) {
	var files []convert.File
	total := 0
	add := func(name string, from io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if total += len(text); len(text) > maxFile || total > maxFiles {
			return fmt.Errorf("reading %s: a file may have %d bytes, and all files together %d", name, maxFile, maxFiles)
		}
		files = append(files, convert.File{Name: name, Text: text})
		return nil
	}
	for _, name := range names {
		if name == "-" {
			if err := add("standard input", stdin); err != nil {
				return nil, err
			}
			continue
		}
		found, err := manifests(name, recursive)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if err := addFile(file, add); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

func addFile(name string, add func(string, io.Reader) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // closing a file that was only read
	return add(name, file)
}

// manifests returns the names of the manifests in a directory, or the name of a file as it is.
func manifests(name string, recursive bool) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var found []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != name && !recursive:
			return fs.SkipDir
		case entry.Type().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading directory %s: %w", name, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("directory %s has no .yaml, .yml or .json file", name)
	}
	return found, nil
}
