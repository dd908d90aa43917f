package proc

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limit puts a process that has just started under the cage's limits, which its children inherit from then on. It leads a
// group, in which it may have started some already: those are found. Whoever is gone needs no limit.
func (c *Cage) limit(leader int) {
	if c == nil {
		return
	}
	c.limitOne(leader)
	limited := []int{leader}
	for found := true; found; {
		found = false
		for _, pid := range newer(leader) {
			if group, err := unix.Getpgid(pid); err == nil && group == leader && !slices.Contains(limited, pid) {
				c.limitOne(pid)
				limited, found = append(limited, pid), true
			}
		}
	}
}

func (c *Cage) limitOne(pid int) {
	lower := func(resource int, most int64) {
		var now unix.Rlimit
		if err := unix.Prlimit(pid, resource, nil, &now); err != nil || now.Max <= uint64(most) {
			return
		}
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: min(now.Cur, uint64(most)), Max: uint64(most)}, nil)
	}
	lower(unix.RLIMIT_CORE, 0)
	if c.Memory > 0 {
		// Not RLIMIT_AS: runtimes reserve far more addresses than they will use.
		lower(unix.RLIMIT_DATA, c.Memory)
	}
	if c.File > 0 {
		lower(unix.RLIMIT_FSIZE, c.File)
	}
	// Where memory is not limited, as the race detector allows no limit, the kernel at least ends these first.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
}

// markEnv is the variable that a mark is in.
const markEnv = "CATALOGEN_RUN"

// A mark tells the processes of one run from all others, also when they have left its process group. The zero mark marks
// nothing.
type mark string

// adopt makes us the parent of orphans below us: whatever leaves its group and its session becomes our child when its own
// parent ends, and is found among few.
var adopt = sync.OnceFunc(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })

func newMark(c *Cage) mark {
	if c == nil {
		return ""
	}
	adopt()
	return mark(rand.Text())
}

func (m mark) env() []string {
	if m == "" {
		return nil
	}
	return []string{markEnv + "=" + string(m)}
}

// lastWords is how long a process that has left its group may take to end by itself, as those do that only hand something
// over; patience is how long one that was killed may take, which the kernel holds as long as a disk or a driver keeps it.
const (
	lastWords = 500 * time.Millisecond
	patience  = 10 * time.Second
)

// sweep waits until nothing of a run is left outside of its group, whose leader has been waited for. What is found there is
// killed after lastWords, or at once when hurry, which may be nil, is done; its names are returned.
func (m mark) sweep(hurry context.Context, leader int) (names []string) {
	if m == "" {
		return nil
	}
	var killed []int
	for began := time.Now(); ; time.Sleep(groupPoll) {
		late := time.Since(began) >= lastWords || hurry != nil && hurry.Err() != nil
		pending := false
		for _, p := range orphans(leader) {
			switch known := slices.Contains(killed, p.pid); {
			case p.dead && known:
				p.reap()
			case p.dead: // another run's, or one that ended by itself; Remains waits for it
			case known: // it takes its time, and has no environment any more
				pending = true
			case m.on(p.pid):
				pending = true
				if late {
					p.kill()
					killed, names = append(killed, p.pid), append(names, p.name)
				}
			}
		}
		if !pending || time.Since(began) > patience {
			return names
		}
	}
}

// on tells whether a process carries the mark.
func (m mark) on(pid int) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(environ, []byte(m.env()[0]))
}

// Remains ends what the programs of any cage have left behind and what cannot be told to be whose, because it cleared its
// environment. It returns the names of what was still running, and must not be called while Run runs.
func Remains() (names []string) {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(groupPoll) {
		pending := false
		for _, p := range orphans(0) {
			if p.dead {
				p.reap()
				continue
			}
			p.kill()
			names, pending = append(names, p.name), true
		}
		if !pending {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A process is what /proc tells of one.
type process struct {
	pid, parent, group int
	dead               bool // and not yet waited for
	name               string
}

// kill ends a process and its group, which must not be ours.
func (p process) kill() {
	_ = signalGroup(p.group, syscall.SIGKILL)
	_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have changed its group meanwhile
}

func (p process) reap() { _, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil) }

// orphans lists those of our children newer than a process that are in another group: leaders of other runs, and what
// became our child because its own parent has ended.
func orphans(after int) []process {
	us, ours := os.Getpid(), syscall.Getpgrp()
	var list []process
	var buffer [512]byte // a name has 64 bytes at the most, and each number before it and after it 10
	for _, pid := range newer(after) {
		p, ok := readStat(readSmall(fmt.Sprintf("/proc/%d/stat", pid), buffer[:]))
		if ok && p.parent == us && p.group != ours {
			list = append(list, p)
		}
	}
	return list
}

// newer lists the processes whose ids are higher than one, as are those of its descendants until the kernel starts over.
// Not every kernel keeps the list of a process's children, so all are looked at.
func newer(after int) []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	var list []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > after {
			list = append(list, pid)
		}
	}
	return list
}

// readSmall reads the beginning of a file of /proc, which is there at once and as a whole. To open it as an os.File takes
// three times as many calls of the system, in vain, to find out whether it can be waited for. There is nothing where it fails.
func readSmall(path string, buffer []byte) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	n, _ := unix.Read(fd, buffer)
	_ = unix.Close(fd)
	return buffer[:max(n, 0)]
}

// readStat reads PID (NAME) STATE PPID PGRP …, where the name may hold anything.
func readStat(stat []byte) (p process, ok bool) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return p, false
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 3 {
		return p, false
	}
	for _, number := range []struct {
		text string
		into *int
	}{{strings.TrimSpace(string(stat[:open])), &p.pid}, {fields[1], &p.parent}, {fields[2], &p.group}} {
		var err error
		if *number.into, err = strconv.Atoi(number.text); err != nil {
			return p, false
		}
	}
	p.name, p.dead = string(stat[open+1:end]), fields[0] == "Z"
	return p, true
}
