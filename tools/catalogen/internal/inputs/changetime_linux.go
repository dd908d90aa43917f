package inputs

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when the system last saw a change of a file: of its content, its mode or its name.
func changeTime(info fs.FileInfo) (changed time.Time, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(stat.Ctim.Unix()), true
}
