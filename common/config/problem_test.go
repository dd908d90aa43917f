package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestProblems(t *testing.T) {
	tests := []struct {
		name, path, text string
		want             string // every line of the error, without "dir/" and the file's name and colon
	}{
		{
			"names the nearest top-level key", "f.yaml", "nmae: x\n",
			"1:1: nmae: unknown key; did you mean name?",
		},
		{
			"says where options stand", "f.yaml", "topic: x\nendpoint: y\n",
			"2:1: endpoint: unknown key; the keys are name, type, version, topic, parameters, secrets, transforms; " +
				"a connector's options stand under parameters",
		},
		{
			"reads options below a key that is spelled wrong", "f.yaml", "paramters: {a: ~}\n",
			"1:1: paramters: unknown key; did you mean parameters?\n" +
				"1:16: paramters.a: the value is null; leave the key out",
		},
		{
			"tells how to write a topic that is a dash", "f.yaml", "name: x\ntopic: -\n",
			"2:8: the file is not valid YAML: block sequence entries are not allowed in this context; " +
				"put a dash that is a value in quotes",
		},
		{
			"refuses a top-level key twice", "f.yaml", "topic: x\nname: y\ntopic: z\n",
			"3:1: topic: the key stands in line 1 already; keep one of them",
		},
		{
			"refuses a JSON key twice", "f.json", "{\"topic\": \"x\",\n \"topic\": \"y\"}",
			"2:2: topic: the key stands in line 1 already; keep one of them",
		},
		{
			"refuses an option in two spellings", "f.yaml", "parameters:\n  a_b: 1\n  a-b: 2\n",
			"3:3: parameters.a-b: option a-b stands in line 2 already; " +
				"keep one of them; hyphens and underscores are the same, and so are parameters and secrets",
		},
		{
			"refuses an option in both maps", "f.yaml", "secrets:\n  a_b: 1\nparameters:\n  a-b: 2\n",
			"4:3: parameters.a-b: option a-b stands in line 2 already; " +
				"keep one of them; hyphens and underscores are the same, and so are parameters and secrets",
		},
		{
			"refuses a nested key twice", "f.yaml", "parameters:\n  h: {a: 1, b: 2, a: 3}\n",
			"2:19: parameters.h.a: the key stands in line 2 already; keep one of them",
		},
		{
			"refuses a number for a word", "f.yaml", "version: 0.1\n",
			"1:10: version: the value is a number and not text; quote it",
		},
		{
			"refuses parameters as a list", "f.yaml", "parameters: [a]\n",
			"1:13: parameters: the value is a list and not a mapping",
		},
		{
			"refuses empty parameters", "f.yaml", "parameters:\ntopic: x\n",
			"1:12: parameters: the value is null; leave the key out",
		},
		{
			"refuses an empty option name", "f.yaml", "parameters: {'': x}\n",
			"1:14: parameters: a key is empty; name the option",
		},
		{
			"refuses another root", "f.yaml", "- a\n",
			"1:1: the file is a list and not a mapping; its keys are name, type, version, topic, parameters, secrets, transforms",
		},
		{
			"refuses a scalar root", "f.yaml", "hunter2\n",
			"1:1: the file is text and not a mapping; its keys are name, type, version, topic, parameters, secrets, transforms",
		},
		{
			"refuses an empty file", "f.yaml", " \n",
			"1: the file is empty; write name, topic and parameters, or leave out --config",
		},
		{
			"refuses a file of comments", "f.yaml", "# a\n",
			"1: the file is empty; write name, topic and parameters, or leave out --config",
		},
		{
			"refuses two documents", "f.yaml", "topic: x\n---\ntopic: y\n",
			"2:1: a second YAML document starts here; keep one document in a file",
		},
		{
			"refuses a second, empty document", "f.yaml", "topic: x\n---\n",
			"2:1: a second YAML document starts here; keep one document in a file",
		},
		{
			"refuses two JSON documents", "f.json", "{}\n{}\n",
			"2:1: something follows the end of the JSON document; keep one document in a file",
		},
		{
			"refuses bytes that are not UTF-8", "f.yaml", "topic: é\nname: \xff\n",
			"2:7: the file is not UTF-8; save it as UTF-8",
		},
		{
			"refuses a large file", "f.yaml", "#" + strings.Repeat("x", MaxBytes),
			"1: the file is larger than 1048576 bytes",
		},
		{
			"places a YAML error", "f.yaml", "topic: x\nname: @y\n",
			"2:7: the file is not valid YAML: '@' is a reserved character",
		},
		{
			"places a JSON error", "f.json", "{\"topic\": \"x\",\n  }",
			"2:3: the file is not valid JSON: invalid character '}' looking for beginning of object key string",
		},
		{
			"places a JSON file's early end", "f.json", "{\"topic\": \"x\"",
			"1:14: the file is not valid JSON: it ends too early",
		},
		{
			"keeps a JSON file's letters to itself", "f.json", "{\"topic\": hunter2}",
			"1:11: the file is not valid JSON: unexpected character looking for beginning of value",
		},
		{"refuses an unknown alias", "f.yaml", "topic: *nope\n", "1:8: the alias names no anchor that stands before it"},
		{
			"refuses an alias inside its anchor", "f.yaml", "parameters: {a: &x [*x]}\n",
			"1:21: the alias names no anchor that stands before it",
		},
		{
			"refuses a transform of two steps", "f.yaml", "transforms:\n- map: .\n  filter: .\n",
			"3:3: transforms[0]: a transform is one step: it is map already; start a new list item with -",
		},
		{
			"refuses an empty transform", "f.yaml", "transforms: [{}]\n",
			"1:14: transforms[0]: the transform says nothing; write one of map, filter, arraymap, uses",
		},
		{
			"refuses transforms as a mapping", "f.yaml", "transforms: {map: .}\n",
			"1:13: transforms: the value is a mapping and not a list",
		},
		{
			"refuses a transform that is text", "f.yaml", "transforms: [.a]\n",
			"1:14: transforms[0]: the value is text and not a mapping",
		},
		{
			"names the nearest transform", "f.yaml", "transforms: [{fliter: .}]\n",
			"1:15: transforms[0].fliter: unknown key; did you mean filter?",
		},
		{
			"names the transforms there are", "f.yaml", "transforms: [{aggregate: .}]\n",
			"1:15: transforms[0].aggregate: unknown key; a transform is one of map, filter, arraymap, uses",
		},
		{
			"refuses an expression that is no text", "f.yaml", "transforms: [{map: 1}]\n",
			"1:20: transforms[0].map: the value is a number and not text; quote it",
		},
		{
			"refuses with beside map", "f.yaml", "transforms: [{map: ., with: {a: b}}]\n",
			"1:23: transforms[0].with: only a SmartModule, a file that ends in .wasm, takes with; remove it",
		},
		{
			"refuses lookback beside map", "f.yaml", "transforms: [{map: ., lookback: {last: 1}}]\n",
			"1:23: transforms[0].lookback: only a SmartModule, a file that ends in .wasm, takes lookback; remove it",
		},
		{
			"refuses initial beside map", "f.yaml", "transforms: [{map: ., initial: 1}]\n",
			"1:23: transforms[0].initial: only a SmartModule, a file that ends in .wasm, takes initial; remove it",
		},
		{
			"refuses an initial value that is none", "f.yaml", "transforms: [{uses: a.wasm, initial: }]\n",
			"1:37: transforms[0].initial: the value is null; leave the key out",
		},
		{
			"refuses a lookback that says nothing", "f.yaml", "transforms: [{uses: a.wasm, lookback: {age: 1h}}]\n",
			"1:29: transforms[0].lookback: it says nothing; write lookback: {last: 100}, and age: 1h if need be",
		},
		{
			"refuses a lookback on nothing", "f.yaml", "transforms: [{uses: a.wasm, lookback: {last: 0, age: long, lats: 1}}]\n",
			"1:40: transforms[0].lookback.last: the value is no number of records; write a whole number from 1 to 100000\n" +
				"1:49: transforms[0].lookback.age: the value is no duration; write one like 30m\n" +
				"1:60: transforms[0].lookback.lats: unknown key; the keys are last, age",
		},
		{
			"refuses with as a list", "f.yaml", "transforms: [{uses: a.wasm, with: [a]}]\n",
			"1:35: transforms[0].with: the value is a list and not a mapping",
		},
		{
			"refuses a reference within text", "dir/f.yaml", "topic: a${env:TOKEN}\n",
			"1:8: topic: a reference must be the whole value; make ${env:…} or ${file:…} the whole value, or write $${ for a literal ${",
		},
		{
			"refuses two references in one value", "dir/f.yaml", "topic: ${env:TOKEN}${env:TOKEN}\n",
			"1:8: topic: a reference must be the whole value; make ${env:…} or ${file:…} the whole value, or write $${ for a literal ${",
		},
		{
			"refuses a reference without its end", "dir/f.yaml", "topic: ${file:TOKEN\n",
			"1:8: topic: a reference must be the whole value; make ${env:…} or ${file:…} the whole value, or write $${ for a literal ${",
		},
		{
			"names a variable that is not set", "dir/f.yaml", "topic: ${env:NOPE}\n",
			"1:8: topic: environment variable NOPE is not set; set it, or write the value",
		},
		{
			"refuses a reference to no variable", "dir/f.yaml", "topic: ${env:}\n",
			"1:8: topic: the reference names no environment variable; write ${env:NAME}",
		},
		{
			"refuses what is no variable's name", "dir/f.yaml", "topic: ${env:A B}\n",
			"1:8: topic: the reference names no environment variable; write ${env:NAME}",
		},
		{
			"refuses a reference to no file", "dir/f.yaml", "topic: ${file:}\n",
			"1:8: topic: the reference names no file; write ${file:PATH}",
		},
		{
			"names a file that is not there", "dir/f.yaml", "topic: ${file:nope}\n",
			"1:8: topic: cannot read file dir/nope: file does not exist",
		},
		{
			"refuses a file that is no text", "dir/f.yaml", "topic: ${file:bad}\n",
			"1:8: topic: file dir/bad does not hold UTF-8 text",
		},
		{
			"refuses a large file behind a reference", "dir/f.yaml", "topic: ${file:big}\n",
			"1:8: topic: file dir/big is larger than 1 MiB",
		},
		{
			"refuses a variable that is no text", "dir/f.yaml", "topic: ${env:BAD}\n",
			"1:8: topic: environment variable BAD does not hold UTF-8 text",
		},
		{
			"quotes a key with a newline", "f.yaml", "\"a\\nb\": x\n",
			"1:1: \"a\\nb\": unknown key; the keys are name, type, version, topic, parameters, secrets, transforms; " +
				"a connector's options stand under parameters",
		},
		{
			"lists every problem in the file's order", "f.yaml", "transforms: [{map: ~}]\ntopic: 1\nparameters:\n  b: 0x1\n  a: ~\nzzz: y\n",
			"1:20: transforms[0].map: the value is null; leave the key out\n" +
				"2:8: topic: the value is a number and not text; quote it\n" +
				"4:6: parameters.b: the number is not written as JSON writes numbers; write it in decimal, or quote it if it is text\n" +
				"5:6: parameters.a: the value is null; leave the key out\n" +
				"6:1: zzz: unknown key; the keys are name, type, version, topic, parameters, secrets, transforms; " +
				"a connector's options stand under parameters",
		},
		{
			"lists a problem behind aliases once", "f.yaml", "parameters: {a: &x [~], b: *x, c: *x}\n",
			"1:21: parameters.a[0]: the value is null; leave the key out",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.path, []byte(tt.text), world())
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll("\n"+err.Error(), "\n"+tt.path+":", "\n")[1:]
			if got != tt.want {
				t.Errorf("error\n got %s\nwant %s", got, tt.want)
			}
			var p Problem
			if !errors.As(err, &p) || p.File != tt.path || p.Line == 0 {
				t.Errorf("the error holds no Problem with file and line: %+v", p)
			}
		})
	}
}

func TestProblemsHoldNoSecrets(t *testing.T) {
	const canary = "hunter2"
	texts := map[string]string{
		"bad reference":       "secrets: {a: 'hunter2${env:X}'}",
		"null in a mapping":   "secrets: {a: {hunter2: ~}}",
		"key twice":           "secrets: {a: {hunter2: x, hunter2: y}}",
		"merge key":           "secrets: {a: {<<: {hunter2: x}}}",
		"odd number":          "secrets: {a: 0xhunter2, b: .inf}",
		"tag":                 "secrets: {a: !!int hunter2, b: !x hunter2}",
		"no mapping":          "secrets: hunter2",
		"unclosed quote":      "secrets:\n  a: 'hunter2\n",
		"unclosed brackets":   "secrets: {a: [hunter2\n",
		"bad indentation":     "secrets:\n  a: hunter2\n b: hunter2: x\n",
		"unknown escape":      "secrets: {a: \"hunter2\\q\"}",
		"unknown alias":       "secrets: {a: *hunter2}",
		"yaml directive":      "%YAML hunter2\n---\nsecrets: {a: b}",
		"json":                `{"secrets": {"a": hunter2}}`,
		"json without quotes": `{"secrets": {hunter2: 1}}`,
		"reference":           "name: 1\nparameters: {a: '${env:C}', b: ['${env:C}', ~]}",
		"variable not text":   "parameters: {a: '${env:BIN}'}",
	}
	env := Env{LookupEnv: func(name string) (string, bool) {
		return map[string]string{"C": canary, "BIN": canary + "\xff"}[name], true
	}}
	for name, text := range texts {
		for _, path := range []string{"f.yaml", "f.json"} {
			if strings.HasPrefix(name, "json") && path == "f.yaml" {
				continue // it is valid YAML
			}
			t.Run(name+" "+path, func(t *testing.T) {
				_, err := Parse(path, []byte(text), env)
				if name != "odd number" && err == nil {
					t.Fatal("no error")
				}
				if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
					t.Errorf("the error holds the secret: %v", err)
				}
			})
		}
	}
}

func TestLimits(t *testing.T) {
	nested := func(open, end string, depth int) string {
		return "parameters: {a: " + strings.Repeat(open, depth) + "1" + strings.Repeat(end, depth) + "}"
	}
	var bomb strings.Builder
	bomb.WriteString("parameters:\n  a0: &a0 [x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&bomb, "  a%d: &a%d [*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1)
	}
	ladder := "parameters:\n  a0: &a0 [x]\n"
	for i := 1; i < 70; i++ {
		ladder += fmt.Sprintf("  a%d: &a%d [*a%d]\n", i, i, i-1)
	}
	var wide strings.Builder
	wide.WriteString("parameters:\n")
	for i := range 60_000 {
		fmt.Fprintf(&wide, "  k%d: v\n", i)
	}
	deep := "lists and mappings nest deeper than 64"
	tests := []struct {
		name, path, text, want string
	}{
		{"takes 63 collections and a scalar", "f.yaml", nested("[", "]", 61), ""},
		{"refuses one more", "f.yaml", nested("[", "]", 62), deep},
		{"refuses deep mappings", "f.yaml", nested("{a: ", "}", 62), deep},
		{
			"takes 63 collections and a scalar in JSON", "f.json", `{"parameters": {"a": ` + strings.Repeat("[", 61) + strings.Repeat("]", 61) + "}}",
			"",
		},
		{
			"refuses one more in JSON", "f.json", `{"parameters": {"a": ` + strings.Repeat("[", 62) + strings.Repeat("]", 62) + "}}",
			deep,
		},
		{"refuses a million brackets", "f.yaml", strings.Repeat("[", MaxBytes-1), "30000 YAML tokens"},
		{"refuses twenty thousand brackets", "f.yaml", strings.Repeat("[", 20_000), deep},
		{"refuses a million brackets in JSON", "f.json", strings.Repeat("[", MaxBytes-1), deep},
		{"refuses many dashes on a line", "f.yaml", strings.Repeat("- ", 20_000) + "a", deep},
		{"refuses many question marks on a line", "f.yaml", strings.Repeat("? ", 20_000) + "a", deep},
		{
			"refuses many tags on a value", "f.yaml", "a: " + strings.Repeat("!!str ", 20_000) + "a",
			"too many tags and anchors",
		},
		{
			"refuses many anchors on a value", "f.yaml", "a: " + strings.Repeat("&a ", 10_000) + "a",
			"too many tags and anchors",
		},
		{"refuses deep indentation", "f.yaml", indented(200), deep},
		{"refuses an expansion bomb", "f.yaml", bomb.String(), "aliases stand for more than"},
		{"refuses aliases that nest too deep", "f.yaml", ladder, deep},
		{"refuses a mapping of sixty thousand keys", "f.yaml", wide.String(), "30000 YAML tokens"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse(tt.path, []byte(tt.text), Env{})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %.300v, want %q", err, tt.want)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
