package proc

import (
	"os"
	"slices"
	"strings"
)

// private are the variables by which whoever runs us, such as a make, tells something to its own children alone.
var private = []string{
	"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEFILES", "MAKEOVERRIDES", "GNUMAKEFLAGS",
	"PATCHBAY_BIN_DIR", "PATCHBAY_REPORT_DIR",
}

// goFlags is the go command's own default, in words: were it empty, the user's `go env -w` would count.
const goFlags = "GOFLAGS=-mod=readonly"

// Environ returns our environment for git and the go command, which run nothing of a connector's: without what is meant for
// us alone, and with more, as KEY=value. What does run a connector's code gets that of a Home.
func Environ(more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		return slices.Contains(private, key)
	})
	return append(append(env, goFlags), more...)
}
