// Command c1host is the host of the tests in c1.bats.
package main

import (
	"os"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1test"
)

func main() { os.Exit(c1test.Main(os.Args[1:])) }
