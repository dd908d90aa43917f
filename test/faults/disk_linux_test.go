package faults_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheDiskUnderTheStateIsFull(t *testing.T) {
	// Whatever is delivered while no position can be saved comes again after a kill, and nobody knows it by its id there.
	f := fault{name: "disk under the saved position full", duplicates: map[string]int{onHTTP: 10 * inFlight}}
	run(t, f, func(r *rig) outcome {
		r.mount("disk")
		flags := []string{"--state", "file:" + r.path("disk/state")}
		sink, source := r.sink(), r.source(flags...)
		r.progress(r.sent, "committed", 1)
		r.fill("disk/ballast")
		source.says("position not saved, trying again", 1)
		source.says("no space left on device", 1)
		told := r.sent.read(r.T).count["committed"]
		r.progress(r.written, "got", r.some()) // records flow; the system is told nothing
		if n := r.sent.read(r.T).count["committed"]; n > told {
			r.Errorf("%d positions were committed that are not saved", n-told)
		}
		source.kill() // what was saved before is what counts
		r.remove("disk/ballast")
		source = r.source(flags...)
		r.progress(r.sent, "committed", 2)
		r.fill("disk/ballast")
		source.says("position not saved, trying again", 1)
		r.remove("disk/ballast")
		r.progress(r.sent, "committed", 2)
		return r.finish(source, sink)
	})
}

// mount mounts a small file system, or skips the test where that is not allowed.
func (r *rig) mount(name string) {
	r.Helper()
	if err := os.Mkdir(r.path(name), 0o700); err != nil {
		r.Fatal(err)
	}
	err := unix.Mount("tmpfs", r.path(name), "tmpfs", 0, "size=64k")
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		r.Skip("to mount a small file system takes root")
	}
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := unix.Unmount(r.path(name), unix.MNT_DETACH); err != nil {
			r.Error(err)
		}
	})
}

// fill writes to a file until there is no space.
func (r *rig) fill(name string) {
	r.Helper()
	file, err := os.Create(r.path(name))
	if err != nil {
		r.Fatal(err)
	}
	defer file.Close()
	for size := 4096; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
