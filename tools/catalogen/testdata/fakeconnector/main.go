// Command fakeconnector is a connector for catalogen's own tests. It lies under testdata so that make build leaves it out.
package main

import (
	"os"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

func main() { os.Exit(fake.Main(os.Args[1:])) }
