// Command compile puts the code of a SmartModule into a cache: compile CACHE FILE.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/patchbay-dev/patchbay/internal/smartmodule"
)

func main() {
	if err := compile(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compile(cache, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m, err := smartmodule.Parse(file)
	if err != nil {
		return err
	}
	r, err := m.Start(context.Background(), smartmodule.Options{Cache: cache})
	if err != nil {
		return err
	}
	return r.Close()
}
