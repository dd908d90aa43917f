package common

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/patchbay-dev/patchbay/internal/options"
)

// maxDocument bounds a line of validate --batch, in bytes.
const maxDocument = 1 << 20

// A verdict is the answer to one document of validate --batch.
type verdict struct {
	Valid    bool      `json:"valid"`
	Problems []finding `json:"problems"`
	Notes    []string  `json:"notes,omitempty"` // what goes out of use, or has another name now; it makes nothing invalid
}

// A finding is one problem of a document.
type finding struct {
	Option   string `json:"option,omitempty"`
	Message  string `json:"message"`
	Semantic bool   `json:"semantic,omitempty"` // the schema has no words for it
}

// validateBatch answers every line with a verdict. The status says whether it could, not what it found.
func (p *program) validateBatch(w world, m *options.Model, path string) int {
	in := w.stdin
	if path != "-" {
		f, err := w.open(path)
		if err != nil {
			return p.report(w, &usageError{fmt.Errorf("--batch: %w", err)})
		}
		defer f.Close() // only read from
		in = f
	}
	s, err := p.scratch()
	if err != nil {
		return p.report(w, err)
	}
	lines := bufio.NewReaderSize(in, 64<<10)
	out := bufio.NewWriter(w.stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := readLine(lines)
		if err == nil || len(line) > 0 {
			if err := encoder.Encode(s.judge(w, m, line)); err != nil {
				return p.report(w, err)
			}
		}
		if err == io.EOF {
			return p.report(w, out.Flush())
		}
		if err != nil {
			return p.report(w, fmt.Errorf("read the documents: %w", err))
		}
		if lines.Buffered() == 0 { // whoever sent this line may wait for its answer
			if err := out.Flush(); err != nil {
				return p.report(w, err)
			}
		}
	}
}

// readLine reads up to the next newline. Of a line that is too long it keeps the beginning, which is longer than allowed.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line) <= maxDocument {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return bytes.TrimSuffix(line, []byte{'\n'}), err
		}
	}
}

// judge checks one document of flat options.
func (s scratch) judge(w world, m *options.Model, line []byte) verdict {
	if len(line) > maxDocument {
		return verdict{Problems: []finding{{Message: fmt.Sprintf("the line is longer than %d bytes", maxDocument)}}}
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var doc map[string]any
	err := decoder.Decode(&doc)
	if _, more := decoder.Token(); err != nil || more != io.EOF || doc == nil {
		return verdict{Problems: []finding{{Message: "the line is not one JSON object"}}}
	}
	settings, problems := m.Document(doc)
	if len(problems) == 0 {
		problems = append(compileProblems(w, settingSteps(settings), settings), s.semantic(settings)...)
	}
	v := verdict{Valid: len(problems) == 0, Problems: []finding{}, Notes: m.Notices(settings)}
	for _, problem := range problems {
		option := problem.Option
		problem.Option = ""
		v.Problems = append(v.Problems, finding{option, problem.Error(), problem.Semantic})
	}
	return v
}
