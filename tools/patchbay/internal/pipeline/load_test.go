package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// connector writes a program that answers metadata, and validate with problems, each with %s for the config file.
func fakeConnector(t *testing.T, dir, name, direction string, problems ...string) {
	t.Helper()
	script := "#!/bin/sh\ncase $1 in\nmetadata) echo '{\"name\":\"" + name + "\",\"direction\":\"" + direction + "\",\"version\":\"1.2.3\"," +
		"\"schema\":{\"properties\":{\"once\":{},\"log-level\":{},\"token\":{}}}}' ;;\nvalidate)\n" +
		"  [ \"$2 $3 $4 $5 $7\" = '--topic - --acks --name --config' ] || exit 3\n" +
		"  [ \"$(stat -c %a \"$8\")\" = 600 ] || exit 4\n  cat \"$8\" >\"" + dir + "/" + name + ".seen\"\n"
	for _, p := range problems {
		script += "  printf '" + name + ": " + p + "\\n' \"$8\" >&2\n"
	}
	if len(problems) > 0 {
		script += "  exit 2\n"
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script+";;\nesac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadTellsEveryProblemOfBothSides(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	fakeConnector(t, bin, "good-source", "Source")
	fakeConnector(t, bin, "bad-source", "source", "%s:3:9: parameters.x: wrong", "--path: missing")
	fakeConnector(t, bin, "bad-sink", "sink", "--url (%s:7): wrong")
	write(t, filepath.Join(bin, "dull-sink"), "")
	tests := []struct {
		name, text string
		options    Options
		want       []string
	}{
		{"the connectors' own", "source:\n  type: bad-source\nsink: {type: bad-sink}\n", Options{}, []string{
			"FILE:1: source: bad-source: FILE:3: parameters.x: wrong",
			"FILE:1: source: bad-source: --path: missing",
			"FILE:3: sink: bad-sink: --url (FILE:7): wrong",
		}},
		{"no such connector", "source: {type: good-sourc}\nsink: {type: ./none}\n", Options{}, []string{
			"FILE:1: source: there is no connector good-sourc in BIN; did you mean good-source? --bin DIR names another folder, and a path with a / a program",
			"FILE:2: sink: there is no program DIR/none",
		}},
		{"the wrong side, and no program", "source: {type: bad-sink}\nsink: {type: dull-sink}\n", Options{}, []string{
			"FILE:1: source: bad-sink is a sink",
			"FILE:2: sink: BIN/dull-sink is no program: make it executable",
		}},
		{"the file's shape, and a connector's", "source: {type: bad-source, topic: t}\nsink: {type: ./none}\n", Options{}, []string{
			"FILE:1:28: source.topic: a pipeline has no topic between its sides; remove it",
			"FILE:1: source: bad-source: FILE:3: parameters.x: wrong",
			"FILE:1: source: bad-source: --path: missing",
			"FILE:2: sink: there is no program DIR/none",
		}},
		{
			"flags that a source does not know", "source: {type: good-source}\nsink: {type: good-source}\n",
			Options{MaxRecords: 3},
			[]string{"FILE:1: source: good-source does not know --max-records", "FILE:2: sink: good-source is a source"},
		},
		{
			"dead letters that nothing keeps", "source: {type: good-source, parameters: {on_error: dead-letter}}\nsink: {type: ./none}\n",
			Options{},
			[]string{
				"FILE:1: source: on-error dead-letter needs a file to keep the records in; write dead_letter: {file: PATH} at the top",
				"FILE:2: sink: there is no program DIR/none",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, filepath.Join(dir, "p.yaml"), tt.text)
			tt.options.Dirs = []string{bin}
			_, err := Load(t.Context(), []string{file}, tt.options)
			var invalid *Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("Load returned %v", err)
			}
			short := strings.NewReplacer(file, "FILE", bin, "BIN", dir, "DIR")
			var got []string
			for _, p := range invalid.Problems {
				got = append(got, short.Replace(p))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadHandsOptionsOnAsTheyStand(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	fakeConnector(t, bin, "a-source", "source")
	fakeConnector(t, bin, "a-sink", "sink")
	file := write(t, filepath.Join(dir, "p.json"), `{"source": {"type": "a-source", "parameters": {"log-level": "debug"},
 "secrets": {"token": "${env:TOKEN}"}}, "sink": {"type": "a-sink"}}`)
	t.Setenv("TOKEN", "verysecret")
	t.Setenv("TMPDIR", t.TempDir()) // which nobody else leaves anything in
	all, err := Load(t.Context(), []string{file}, Options{Dirs: []string{bin}, Once: true, LogLevel: "warn"})
	if err != nil || len(all) != 1 || all[0].Name != "p" || all[0].source.program.Version != "1.2.3" {
		t.Fatalf("Load returned %v, %v", all, err)
	}
	for name, want := range map[string]string{
		"a-source": `{"type":"a-source","parameters":{"log-level":"debug","once":true},` + "\n" + `"secrets":{"token":"${env:TOKEN}"}}` + "\n",
		"a-sink":   "\n" + `{"type":"a-sink","parameters":{"log-level":"warn","once":true}}` + "\n",
	} {
		seen, err := os.ReadFile(filepath.Join(bin, name+".seen"))
		if err != nil || string(seen) != want {
			t.Errorf("%s was given %q, %v, want %q", name, seen, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "patchbay-*", "source.json")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadReadsFolders(t *testing.T) {
	bin, dir, empty := t.TempDir(), t.TempDir(), t.TempDir()
	fakeConnector(t, bin, "a-source", "source")
	fakeConnector(t, bin, "a-sink", "sink")
	const text = "source: {type: a-source}\nsink: {type: a-sink}\n"
	for _, name := range []string{"b.yaml", "a.yml", "c.json", "d.txt", ".e.yaml"} {
		text := text
		if name == "c.json" {
			text = `{"source": {"type": "a-source"}, "sink": {"type": "a-sink"}}`
		}
		write(t, filepath.Join(dir, name), text)
	}
	all, err := Load(t.Context(), []string{dir}, Options{Dirs: []string{bin}})
	if err != nil || len(all) != 3 || all[0].Name != "a" || all[1].Name != "b" || all[2].Name != "c" {
		t.Errorf("Load returned %v, %v", all, err)
	}
	write(t, filepath.Join(dir, "z.yaml"), "name: a\n"+text)
	_, err = Load(t.Context(), []string{dir, empty, filepath.Join(empty, "none.yaml")}, Options{Dirs: []string{bin}})
	for _, want := range []string{
		"z.yaml: the name a is that of the pipeline in ", empty + ": there is no pipeline file in this folder", "none.yaml: cannot be read: no such file",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}
