package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/strictjson"
)

// metadata checks that the document is the same each time and wherever the program is run, and in both drafts.
func (x *examiner) metadata(ctx context.Context) error {
	x.note(metadataDocument, "", "")
	x.note(metadataRules, "", "")
	if err := x.again(ctx); err != nil {
		return err
	}
	if err := x.hardships(ctx); err != nil {
		return err
	}
	if !x.profile.Includes(SDK) {
		return nil
	}
	other, err := x.run(ctx, nil, "metadata", "--draft", "2020-12")
	if err != nil {
		return err
	}
	problem, err := x.draftProblem(ctx, other)
	x.note(metadataDrafts, "", problem)
	return err
}

// again runs metadata once more, in a folder that is its home and its folder for temporary files too.
func (x *examiner) again(ctx context.Context) error {
	dir := filepath.Join(x.Scratch, "writable")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	// A file that is made and removed leaves a trace in the time of its folder.
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(dir, long, long); err != nil {
		return err
	}
	s := x.spec(folders(dir), []string{"metadata"}, nil)
	s.Dir = dir
	result, err := x.start(ctx, s)
	if err != nil {
		return err
	}
	x.note(metadataSteady, "", unlessSame(result, x.Subject.Text))
	x.note(metadataQuiet, "", unlessQuiet(result))
	written, err := traces(dir, long)
	x.note(metadataWrites, "", written)
	return err
}

// folders are the variables that name the folders into which programs write.
func folders(dir string) []string {
	var env []string
	for _, name := range strings.Fields("HOME TMPDIR XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_RUNTIME_DIR") {
		env = append(env, name+"="+dir)
	}
	return env
}

// traces tells what was written into a folder, which was empty and last changed at a time.
func traces(dir string, changed time.Time) (string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return "it wrote " + strings.Join(found, ", "), nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.ModTime().Equal(changed) {
		return "it wrote a file and removed it", nil
	}
	return "", err
}

// A hardship is a condition under which metadata must work all the same.
type hardship struct {
	rule     string
	apply    func(*proc.Spec)
	isolated bool // it needs a namespace, which not every machine allows
}

// hardships runs metadata under all hardships at once. Only where that fails, each is tried alone, to learn which it was.
func (x *examiner) hardships(ctx context.Context) error {
	locked := filepath.Join(x.Scratch, "locked")
	if err := os.Mkdir(locked, 0o555); err != nil {
		return err
	}
	root := os.Getuid() == 0 // who may write everywhere
	all := []hardship{
		{rule: metadataNoInput, apply: closeInput},
		{rule: metadataEnvironment, apply: func(s *proc.Spec) { s.Env = append(s.Env, x.poison()...) }},
		{rule: metadataReadOnly, apply: func(s *proc.Spec) {
			s.Dir, s.Env, s.Powerless = locked, append(s.Env, folders(locked)...), root
		}, isolated: root},
		{rule: metadataOffline, apply: func(s *proc.Spec) { s.Offline = true }, isolated: true},
	}
	problem, err := x.endure(ctx, all)
	if errors.Is(err, proc.ErrIsolation) {
		for _, h := range all {
			if h.isolated {
				x.leave(Skipped, proc.ErrIsolation.Error(), h.rule)
			}
		}
		all = slices.DeleteFunc(all, func(h hardship) bool { return h.isolated })
		problem, err = x.endure(ctx, all)
	}
	if err != nil {
		return err
	}
	if problem == "" {
		for _, h := range all {
			x.note(h.rule, "", "")
		}
		return nil
	}
	alone := 0
	for _, h := range all {
		found, err := x.endure(ctx, []hardship{h})
		if err != nil {
			return err
		}
		if found != "" {
			alone++
		}
		x.note(h.rule, "", found)
	}
	if alone == 0 {
		x.note(metadataEnvironment, "", "where all hardships come together: "+problem)
	}
	return nil
}

// endure runs metadata under some hardships.
func (x *examiner) endure(ctx context.Context, hardships []hardship) (problem string, err error) {
	s := x.spec(nil, []string{"metadata"}, nil)
	for _, h := range hardships {
		h.apply(&s)
	}
	result, err := x.start(ctx, s)
	return unlessSame(result, x.Subject.Text), err
}

// closeInput starts the program without a descriptor 0, which package os/exec cannot.
func closeInput(s *proc.Spec) {
	s.Argv = append([]string{"/bin/sh", "-c", `exec "$0" "$@" <&-`}, s.Argv...)
}

// poison is an environment in which nothing is as it should be. What an interpreter might stumble over is left alone.
func (x *examiner) poison() []string {
	const nowhere = "/nonexistent/canary"
	env := append(folders(nowhere), "http_proxy=http://canary:1/", "HTTP_PROXY=http://canary:1/", "HTTPS_PROXY=http://canary:1/",
		"PATCHBAY_BIN="+nowhere, "PATCHBAY_CONFIG="+nowhere, "PATCHBAY_ACK_FD=99", "TERM=canary", "COLUMNS=0", "TZ=Canary/Nowhere")
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if p := x.options[name]; p.Env != "" {
			env = append(env, p.Env+"=canary")
		}
	}
	return env
}

// draftProblem lets the schema in the other draft judge what the published one judges. It is held to the same limits: no rule
// has looked at it. The error is ctx's.
func (x *examiner) draftProblem(ctx context.Context, result proc.Result) (string, error) {
	if problem := unlessStatus(result, 0); problem != "" {
		return problem, nil
	}
	if err := strictjson.Check(result.Stdout); err != nil {
		return err.Error(), nil
	}
	var doc struct {
		Schema json.RawMessage `json:"schema"`
	}
	if err := json.Unmarshal(result.Stdout, &doc); err != nil {
		return err.Error(), nil
	}
	compiled, err := rules.Compile(doc.Schema)
	if err != nil {
		return err.Error(), nil
	}
	var problems []string
	for _, t := range x.trials {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if compiled.Valid(t.value) != t.valid {
			problems = append(problems, shorten(t.text))
		}
	}
	return list(problems), nil
}

func unlessSame(result proc.Result, want []byte) string {
	if problem := unlessStatus(result, 0); problem != "" {
		return problem
	}
	if !bytes.Equal(result.Stdout, want) {
		return "metadata printed something else this time"
	}
	return ""
}

func unlessQuiet(result proc.Result) string {
	if len(result.Stderr) == 0 {
		return ""
	}
	return fmt.Sprintf("it printed %s", shorten(result.Stderr))
}

func unlessStatus(result proc.Result, want int) string {
	if result.Status == want {
		return ""
	}
	return fmt.Sprintf("status %d, not %d: %s", result.Status, want, proc.Tail(result.Stderr, 3))
}
