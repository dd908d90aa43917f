//go:build !linux

package link

import (
	"os"
	"syscall"
)

// attributes put a child into a process group of its own. It notices the end of this program by the end of its input.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// widen does nothing: the system decides what a pipe holds.
func widen(*os.File) {}
