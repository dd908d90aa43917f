package blackbox

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

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
	x.note(helpOptions, "", unlessStatus(help, 0))
	x.note(helpOptions, "", x.helpProblem(help.Stdout))
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if p := x.options[name]; !p.Hidden && !mentions(help.Stdout, p.Env) {
			missing = append(missing, p.Env)
		}
	}
	x.note(helpEnvironment, "", absent(missing))
	if rules.HasCommand(x.doc, "discover") && !mentions(help.Stdout, "discover") {
		x.note(discoverUsage, "--help", "it does not tell of discover")
	}

	version, err := x.run(ctx, nil, "--version")
	if err != nil {
		return err
	}
	problem := unlessStatus(version, 0)
	if problem == "" && !mentions(version.Stdout, x.doc.Version) {
		problem = fmt.Sprintf("prints %q, the metadata says %s", proc.Tail(version.Stdout, 1), x.doc.Version)
	}
	x.note(versionMatches, "", problem)
	x.promises()
	if !rules.HasCommand(x.doc, "completion") {
		x.leave(NotApplicable, "there is no completion command", completionOptions)
		return nil
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if err := x.completion(ctx, shell); err != nil {
			return err
		}
	}
	return nil
}

// What package common gives to every connector.
var (
	sharedCommands = strings.Fields("run metadata validate check completion")
	sharedOptions  = strings.Fields(`topic broker name once max-records start-timeout shutdown-timeout acks map filter arraymap
		max-in-flight max-in-flight-bytes retry-max-wait on-error dead-letter topic-format log-level log-format metrics-addr`)
)

// promises checks what a connector on package common has, whatever its author wrote.
func (x *examiner) promises() {
	commands := sharedCommands
	if x.doc.Resumes {
		commands = append(commands[:len(commands):len(commands)], "state")
	}
	for _, name := range commands {
		if !rules.HasCommand(x.doc, name) {
			x.note(sdkCommands, name, "the metadata does not list it")
		}
	}
	x.note(sdkCommands, "", "")
	for _, name := range sharedOptions {
		if !x.options[name].Shared {
			x.note(sdkOptions, "--"+name, "it is not there, or not marked")
		}
	}
	x.note(sdkOptions, "", "")
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
	x.note(completionOptions, shell, problem)
	return nil
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
