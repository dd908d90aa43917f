package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLog is the size in bytes above which the log of earlier runs is put aside when a broker is started.
const maxLog = 4 << 20

// A child is a broker that was started.
type child struct {
	log  string
	done chan error
}

// start runs the broker detached from this process: in a session of its own, so that neither the terminal's signals nor
// the end of this process reach it, with its output in the log.
func start(env Env) (*child, error) {
	program, err := binary(env)
	if err != nil {
		return nil, err
	}
	store, err := StoreDir(env)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(store, 0o700); err != nil {
		return nil, fmt.Errorf("create the broker's data folder: %w", err)
	}
	path := filepath.Join(store, "broker.log")
	log, err := openLog(path)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "broker")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	cmd.Env = childEnv(env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	c := &child{log: path, done: make(chan error, 1)}
	go func() { c.done <- cmd.Wait() }() // ends with the broker; nobody else would collect its exit status
	return c, nil
}

// ended reports whether the broker has ended, and why it cannot be had then.
func (c *child) ended() (bool, error) {
	select {
	case err := <-c.done:
		if err == nil {
			err = errors.New("it ended at once")
		}
		return true, fmt.Errorf("patchbay broker: %w; see %s", err, c.log)
	default:
		return false, nil
	}
}

// childEnv is the little that the broker needs: what this process holds besides, secrets above all, is not its business.
func childEnv(env Env) []string {
	names := []string{
		"HOME", "PATH", "TZ", "LANG", "XDG_RUNTIME_DIR", "XDG_DATA_HOME",
		"PATCHBAY_BROKER_SYNC", "PATCHBAY_BROKER_IDLE_TIMEOUT",
	}
	out := []string{"TMPDIR=" + env.TempDir}
	for _, name := range names {
		if v := env.Getenv(name); v != "" && !strings.ContainsRune(v, 0) {
			out = append(out, name+"="+v)
		}
	}
	return out
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("put the broker's log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the broker's log: %w", err)
	}
	return f, nil
}
