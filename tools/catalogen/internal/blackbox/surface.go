package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// notOptions are flags that every connector has and that are no options.
var notOptions = []string{"help", "version", "config"}

// helpFlag finds the flag that a line of help is about; flags that the text mentions are not meant.
var helpFlag = regexp.MustCompile(`(?m)^\s+(?:-[A-Za-z],\s+)?--(?:\[no-\])?([a-z][a-z0-9.-]*)`)

// surface checks that everything a connector shows knows the same options.
func (x *examiner) surface(ctx context.Context) error {
	help, err := x.run(ctx, nil, "--help")
	if err != nil {
		return err
	}
	x.report(Surface, "--help ends with status 0", unlessStatus(help, 0))
	x.report(Surface, "--help shows exactly the options", x.helpProblem(help.Stdout))
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if p := x.options[name]; !p.Hidden && !mentions(help.Stdout, p.Env) {
			missing = append(missing, p.Env)
		}
	}
	x.report(Surface, "--help shows every environment variable", absent(missing))

	version, err := x.run(ctx, nil, "--version")
	if err != nil {
		return err
	}
	problem := unlessStatus(version, 0)
	if problem == "" && !mentions(version.Stdout, x.doc.Version) && x.doc.SDKVersion != "" {
		problem = fmt.Sprintf("prints %q, the metadata says %s", proc.Tail(version.Stdout, 1), x.doc.Version)
	}
	x.report(Surface, "--version agrees with the metadata", problem)

	unknown, err := x.run(ctx, nil, append([]string{"validate", "--no-such-option=1"}, flagArgs(x.base)...)...)
	if err != nil {
		return err
	}
	x.report(Surface, "an unknown flag is status 2", unlessStatus(unknown, 2))
	if !rules.HasCommand(x.doc, "completion") {
		return nil
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if err := x.completion(ctx, shell); err != nil {
			return err
		}
	}
	return nil
}

// helpProblem compares the flags that help shows with the options.
func (x *examiner) helpProblem(help []byte) string {
	shown := map[string]bool{}
	for _, m := range helpFlag.FindAllSubmatch(help, -1) {
		shown[string(m[1])] = true
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if !shown[name] && !x.options[name].Hidden {
			problems = append(problems, "--"+name+" is in the schema and not in --help")
		}
		delete(shown, name)
	}
	for _, name := range notOptions {
		if !shown[name] {
			problems = append(problems, "--"+name+" is not in --help")
		}
		delete(shown, name)
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		problems = append(problems, "--"+name+" is in --help and not in the schema")
	}
	return list(problems)
}

func (x *examiner) completion(ctx context.Context, shell string) error {
	result, err := x.run(ctx, nil, "completion", shell)
	if err != nil {
		return err
	}
	problem := unlessStatus(result, 0)
	if problem == "" {
		var missing []string
		for _, name := range slices.Concat(slices.Sorted(maps.Keys(x.options)), notOptions) {
			if !x.options[name].Hidden && !mentions(result.Stdout, name) {
				missing = append(missing, "--"+name)
			}
		}
		problem = absent(missing)
	}
	x.report(Surface, "completion for "+shell+" knows every flag", problem)
	return nil
}

// metadata checks that the document is the same each time, whatever the environment holds, and in both drafts.
func (x *examiner) metadata(ctx context.Context) error {
	again, err := x.run(ctx, nil, "metadata")
	if err != nil {
		return err
	}
	x.report(Metadata, "the same bytes each time", unlessSame(again, x.Subject.Text))
	var env []string
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if p := x.options[name]; p.Env != "" {
			env = append(env, p.Env+"=canary")
		}
	}
	stuffed, err := x.run(ctx, env, "metadata")
	if err != nil {
		return err
	}
	x.report(Metadata, "the same bytes whatever the environment holds", unlessSame(stuffed, x.Subject.Text))
	if x.doc.SDKVersion == "" {
		return nil // a second draft is promised by connectors on common only
	}
	other, err := x.run(ctx, nil, "metadata", "--draft", "2020-12")
	if err != nil {
		return err
	}
	x.report(Metadata, "both drafts give the same verdicts", x.draftProblem(other))
	return nil
}

// draftProblem lets the schema in the other draft judge what the published one judges.
func (x *examiner) draftProblem(result proc.Result) string {
	if problem := unlessStatus(result, 0); problem != "" {
		return problem
	}
	var doc struct {
		Schema json.RawMessage `json:"schema"`
	}
	if err := json.Unmarshal(result.Stdout, &doc); err != nil {
		return err.Error()
	}
	compiled, err := schema.Compile(doc.Schema)
	if err != nil {
		return err.Error()
	}
	var problems []string
	for _, t := range x.trials {
		if compiled.Valid(t.value) != t.valid {
			problems = append(problems, shorten(t.text))
		}
	}
	return list(problems)
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

func unlessStatus(result proc.Result, want int) string {
	if result.Status == want {
		return ""
	}
	return fmt.Sprintf("status %d, not %d: %s", result.Status, want, proc.Tail(result.Stderr, 3))
}

// mentions tells whether a text holds a word that is not part of a longer one.
func mentions(text []byte, word string) bool {
	part := func(b byte) bool {
		return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-'
	}
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(word))
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		before := start == 0 || !part(text[start-1]) || start >= 2 && string(text[start-2:start]) == "--"
		if before && (end == len(text) || !part(text[end])) {
			return true
		}
		at = start + 1
	}
}

func absent(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "missing: " + strings.Join(names, ", ")
}
