package pipeline

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
)

// A letterFile keeps the dead letters of a pipeline: one JSON object a line, with the record as the link protocol writes it.
type letterFile struct {
	path     string
	pipeline string

	mu   sync.Mutex
	file *os.File // nil until the first letter
}

// append writes dead letters and returns once they are on disk.
func (l *letterFile) append(side string, recs []record.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var buf []byte
	for i := range recs {
		start := len(buf)
		head, err := json.Marshal(struct {
			Time     time.Time `json:"time"`
			Pipeline string    `json:"pipeline"`
			Side     string    `json:"side"`
		}{time.Now().UTC().Truncate(time.Millisecond), l.pipeline, side})
		if err != nil {
			return err
		}
		body, err := link.AppendFrame(nil, &link.Frame{Kind: link.Dead, Record: recs[i]})
		if err != nil {
			return fmt.Errorf("write %s: %w", l.path, err)
		}
		buf = append(buf[:start], head[:len(head)-1]...)
		buf = append(append(append(buf, ','), body[1:]...), '\n')
	}
	if err := l.open(); err != nil {
		return err
	}
	_, err := l.file.Write(buf)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		_ = l.file.Close() // the next letter opens it anew, and so ends half a line
		l.file = nil
	}
	return err
}

// open opens the file. Half a line, which a crash or a full disk may have left at its end, is ended, so that it spoils no
// other.
func (l *letterFile) open() error {
	if l.file != nil {
		return nil
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := state.SyncFolder(filepath.Dir(l.path)); err != nil { // the file may be new
		f.Close()
		return err
	}
	last := []byte{'\n'}
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			f.Close()
			return fmt.Errorf("read %s: %w", l.path, err)
		}
	}
	if last[0] != '\n' {
		if _, err := f.Write([]byte{'\n'}); err != nil {
			f.Close()
			return err
		}
	}
	l.file = f
	return nil
}

// close closes the file.
func (l *letterFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		_ = l.file.Close() // everything in it is synced
		l.file = nil
	}
}
