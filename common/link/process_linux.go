package link

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put a child into a process group of its own and end it with this program, however that ends. Children that read
// their input notice by themselves. The signal comes when the thread ends that started the child; Go ends threads only
// where a goroutine ends that is locked to one.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// widen lets a pipe hold more than usual, so that both sides run longer before they wait for each other. Where the system
// refuses, the pipe stays as it is.
func widen(pipe *os.File) {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
	})
}

const pipeSize = 256 << 10
