package proc

import (
	"os"
	"syscall"
)

// nobodyInParticular is the user as which an isolated program sees itself: any but 0, whose capabilities would let it write
// where its user may not.
const nobodyInParticular = 1000

// isolate gives a program a user of its own, who is the caller to the files outside and root nowhere, and, if it is to be
// offline, a network of its own, in which there is nothing.
func isolate(attr *syscall.SysProcAttr, offline bool) error {
	attr.Cloneflags = syscall.CLONE_NEWUSER
	if offline {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobodyInParticular, HostID: os.Getuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobodyInParticular, HostID: os.Getgid(), Size: 1}}
	return nil
}
