//go:build !linux

package proc

import "syscall"

// isolate refuses: only Linux has namespaces.
func isolate(*syscall.SysProcAttr, bool) error { return ErrIsolation }
