package connect

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

// What makes one record at the most: so many records, so many bytes (a server takes messages of 1 MiB unless told otherwise),
// and what comes within so long.
const (
	combineRecords = 500
	combineBytes   = 512 << 10
	combineWait    = time.Second
)

// newCombine makes the stage that makes one record of those that come together.
func (c *chain) newCombine(m *combine) (stage, error) {
	var join func([]item, string) ([]byte, error)
	switch m.Format {
	case "json_array":
		join = joinArray
	case "lines":
		join = joinLines
	case "tar":
		join = joinTar
	case "zip":
		join = joinZip
	case "":
		return nil, errors.New("combine.format: missing; say json_array, lines, tar or zip")
	default:
		return nil, fmt.Errorf("combine.format %.40q is not supported: say json_array, lines, tar or zip", m.Format)
	}
	switch archive := m.Format == "tar" || m.Format == "zip"; {
	case m.Path != "" && !archive:
		return nil, fmt.Errorf("combine.path: %s holds no files", m.Format)
	case strings.Contains(m.Path, "${"):
		return nil, errors.New("combine.path: expressions such as ${!…} are not run; the number of the record is added to the name anyway")
	case m.Path != "" && (path.IsAbs(m.Path) || path.Clean(m.Path) != m.Path || strings.HasPrefix(m.Path, "..")):
		return nil, errors.New("combine.path: give the name of a file in the archive, such as records/r.json")
	}
	c.batches = true
	return func(_ context.Context, in []item) []item {
		var out []item
		for len(in) > 0 {
			n := batchLength(in)
			batch := in[:n]
			in = in[n:]
			value, err := join(batch, m.Path)
			if err != nil {
				err = c.fail(fmt.Errorf("combine: %w", err))
				together(batch)(err)
				continue
			}
			rec := record.Record{ID: batch[0].rec.ID, Time: batch[0].rec.Time, Partition: batch[0].rec.Partition, Value: value}
			if rec.ID != "" { // how many there are differs from time to time
				rec.ID += "+" + strconv.Itoa(n-1)
			}
			out = append(out, item{rec, together(batch)})
		}
		return out
	}, nil
}

// batchLength is how many items make one.
func batchLength(in []item) int {
	size := 0
	for i, it := range in {
		if size += len(it.rec.Value); i > 0 && (i == combineRecords || size > combineBytes) {
			return i
		}
	}
	return len(in)
}

// together gives many items one fate.
func together(batch []item) func(error) {
	return func(err error) {
		for _, it := range batch {
			it.settled(err)
		}
	}
}

func joinArray(batch []item, _ string) ([]byte, error) {
	out := make([]json.RawMessage, len(batch))
	for i, it := range batch {
		out[i] = it.rec.Value
		if !json.Valid(it.rec.Value) {
			text, err := json.Marshal(string(it.rec.Value))
			if err != nil {
				return nil, err
			}
			out[i] = text
		}
	}
	return json.Marshal(out)
}

func joinLines(batch []item, _ string) ([]byte, error) {
	var b bytes.Buffer
	for i, it := range batch {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.Write(it.rec.Value)
	}
	return b.Bytes(), nil
}

func joinTar(batch []item, name string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, it := range batch {
		err := w.WriteHeader(&tar.Header{Name: numbered(name, i+1), Mode: 0o600, Size: int64(len(it.rec.Value)), ModTime: it.rec.Time})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(it.rec.Value); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func joinZip(batch []item, name string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, it := range batch {
		f, err := w.CreateHeader(&zip.FileHeader{Name: numbered(name, i+1), Method: zip.Deflate, Modified: it.rec.Time})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(it.rec.Value); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// numbered puts a number before the extension of a file's name.
func numbered(name string, n int) string {
	if name == "" {
		return strconv.Itoa(n)
	}
	extension := path.Ext(name)
	return strings.TrimSuffix(name, extension) + "-" + strconv.Itoa(n) + extension
}
