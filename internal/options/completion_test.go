package options

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

func TestCompletionOffersEveryFlagAndCommand(t *testing.T) {
	m, _, _ := newKitchen(t)
	for _, shell := range Shells {
		var b bytes.Buffer
		if err := m.WriteCompletion(&b, shell); err != nil {
			t.Fatal(err)
		}
		for _, name := range append(m.names(), "validate", "completion") {
			o := m.Option(name)
			if shown := o == nil || !o.Hidden; strings.Contains(b.String(), name) != shown {
				t.Errorf("%s completion shows %s: %t, want %t", shell, name, !shown, shown)
			}
		}
	}
	if err := m.WriteCompletion(&bytes.Buffer{}, "tcsh"); err == nil || !strings.Contains(err.Error(), "bash, zsh, fish") {
		t.Errorf("error for an unknown shell = %v", err)
	}
}

func TestCompletionKnowsWhichFlagsTakeAValue(t *testing.T) {
	m, _, _ := newKitchen(t)
	for shell, lines := range map[string][]string{
		"bash": {" --endpoint|", "|--config)", "--method) ", "--batch"},
		"zsh":  {"'2::state:(show set)'", "'*--endpoint[Address.]:endpoint:_files'", "'*--method[Method.]:method:(GET POST)'", "'*--gzip[Compress.]'", "--batch["},
		"fish": {"'__fish_seen_subcommand_from state' -a 'show set'", "-l endpoint -d 'Address.' -r\n", "-l method -d 'Method.' -x -a 'GET POST'\n", "-l gzip -d 'Compress.'\n", "-l batch "},
	} {
		var b bytes.Buffer
		if err := m.WriteCompletion(&b, shell); err != nil {
			t.Fatal(err)
		}
		for _, want := range lines {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s completion lacks %q:\n%s", shell, want, b.String())
			}
		}
		if strings.Contains(b.String(), "|--gzip|") {
			t.Errorf("%s completion takes --gzip for a flag with a value", shell)
		}
	}
}

// The script runs in the shell that it is for: what it offers is asked for as the shell does.
func TestBashCompletes(t *testing.T) {
	m, _, _ := newKitchen(t)
	var script bytes.Buffer
	if err := m.WriteCompletion(&script, "bash"); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, words, want string }{
		{"flags", "kitchen-source --end", "--endpoint"},
		{"commands", "kitchen-source comp", "completion"},
		{"the values of a flag", "kitchen-source --method P", "POST"},
		{"the values behind an equals sign", "kitchen-source --method = P", "POST"},
		{"all values behind an equals sign", "kitchen-source --method =", "GET POST"},
		{"nothing of its own for any other value", "kitchen-source --config ''", ""},
		{"the commands below a command", "kitchen-source state s", "show set"},
		{"shells", "kitchen-source completion z", "zsh"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), "bash", "--norc", "-c",
				script.String()+"COMP_WORDS=("+tt.words+"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kitchen_source; echo \"${COMPREPLY[*]}\"")
			out, err := command.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
