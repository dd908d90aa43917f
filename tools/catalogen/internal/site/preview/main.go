// Command preview writes the site of the fixture catalog into a folder, to look at and to test in a browser.
//
//	go run ./tools/catalogen/internal/site/preview DIR
//	go run ./tools/catalogen/internal/site/preview -hostile DIR
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/site/fixture"
)

func main() {
	hostile := flag.Bool("hostile", false, "add the connector whose texts are attacks")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: preview [-hostile] DIR")
		os.Exit(2)
	}
	if err := write(flag.Arg(0), *hostile); err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

func write(dir string, hostile bool) error {
	catalog, err := fixture.Catalog()
	if err != nil {
		return err
	}
	if hostile {
		conn, err := fixture.Load("hostile-source")
		if err != nil {
			return err
		}
		catalog.Connectors = append(catalog.Connectors, conn)
	}
	files, err := fixture.Render(catalog)
	if err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write site: %w", err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("write site: %w", err)
		}
	}
	return nil
}
