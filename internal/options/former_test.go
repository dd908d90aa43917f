package options

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/patchbay-dev/patchbay/common/config"
)

// moved has options that had other names.
type moved struct {
	Endpoint string   `help:"Address." required:"" aliases:"url,address"`
	Limit    int      `help:"Most." min:"1" max:"9" default:"3" aliases:"max"`
	Gzip     bool     `help:"Compress." aliases:"compress"`
	Header   []string `help:"Headers." aliases:"headers"`
	Token    Secret   `help:"Token." aliases:"api-key" xor:"login"`
	Account  string   `help:"User." aliases:"user" xor:"login" and:"basic"`
	Password Secret   `help:"Password." aliases:"pass" and:"basic"`
	Realm    string   `help:"Realm." and:"basic"`
}

func newMoved(t testing.TB) (*Model, *moved) {
	t.Helper()
	own := &moved{}
	m, err := New(Config{
		Name: "moved-source", Own: own, Shared: &kitchenShared{}, Control: &kitchenControl{},
		Spellings: map[string]Spelling{
			"subject": {Name: "topic"},
			"most": {Name: "limit", Read: func(value string) (string, *Problem) {
				if value == "all" {
					return "", &Problem{Message: "--most: there is no end"}
				}
				return strings.TrimSuffix(value, "x"), nil
			}},
			"url": {Name: "topic"}, // a former name comes first
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, own
}

func TestOldSpellingsOnTheCommandLine(t *testing.T) {
	tests := []struct {
		name     string
		args     string
		order    []Occurrence
		renamed  []string
		problems []string
	}{
		{"a former name", "--url a", []Occurrence{{"endpoint", "a"}}, []string{"--url is now --endpoint"}, nil},
		{"the older one", "--address=a", []Occurrence{{"endpoint", "a"}}, []string{"--address is now --endpoint"}, nil},
		{"a value that looks like one", "--account --url --url=--max", []Occurrence{{"account", "--url"}, {"endpoint", "--max"}}, []string{"--url is now --endpoint"}, nil},
		{
			"one that needs no value", "--compress --max 4 --compress=false",
			[]Occurrence{{"gzip", "true"}, {"limit", "4"}, {"gzip", "false"}},
			[]string{"--compress is now --gzip", "--max is now --limit"},
			nil,
		},
		{"each time", "--headers a --headers b", []Occurrence{{"header", "a"}, {"header", "b"}}, []string{"--headers is now --header"}, nil},
		{"another program's", "--subject t --most 4x", []Occurrence{{"topic", "t"}, {"limit", "4"}}, []string{"--subject is now --topic", "--most is now --limit"}, nil},
		{"another program's beside ours", "--subject t --topic u", []Occurrence{{"topic", "t"}, {"topic", "u"}}, []string{"--subject is now --topic"}, nil},
		{"a value that we do not have", "--most all --gzip", []Occurrence{{"gzip", "true"}}, []string{"--most is now --limit"}, []string{"--most: there is no end"}},
		{"beside a command", "validate --max=2 --batch -", []Occurrence{{"limit", "2"}, {"batch", "-"}}, []string{"--max is now --limit"}, nil},
		{
			"both names", "--endpoint a --url b",
			[]Occurrence{{"endpoint", "a"}, {"endpoint", "b"}},
			[]string{"--url is now --endpoint"},
			[]string{"--endpoint and --url are names of one option; keep --endpoint"},
		},
		{
			"two former names", "--address a --url b",
			[]Occurrence{{"endpoint", "a"}, {"endpoint", "b"}},
			[]string{"--address is now --endpoint", "--url is now --endpoint"},
			[]string{"--address and --url are names of one option; keep --endpoint"},
		},
		{"no value", "--url", nil, []string{"--url is now --endpoint"}, []string{"--endpoint: needs a value; see moved-source --help"}},
		{"nearly one", "--compres", nil, nil, []string{"unknown flag --compres; see moved-source --help"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := newMoved(t)
			line, problems := m.Args(strings.Fields(tt.args))
			if diff := cmp.Diff(tt.order, line.Order); diff != "" && len(tt.order)+len(line.Order) > 0 {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.renamed, line.Renamed); diff != "" {
				t.Error(diff)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(tt.problems, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormerNamesAreTakenFromEverywhere(t *testing.T) {
	tests := []struct {
		name    string
		args    string
		env     map[string]string
		file    map[string]config.Value
		want    string // endpoint
		notices []string
	}{
		{"the environment", "", map[string]string{"MOVED_SOURCE_URL": "a"}, nil, "a", []string{"MOVED_SOURCE_URL is now MOVED_SOURCE_ENDPOINT"}},
		{"the older one there", "", map[string]string{"MOVED_SOURCE_ADDRESS": "a", "MOVED_SOURCE_URL": ""}, nil, "a", []string{"MOVED_SOURCE_ADDRESS is now MOVED_SOURCE_ENDPOINT"}},
		{"a file", "", nil, map[string]config.Value{"url": {Any: "a", Line: 3}}, "a", []string{"f.yaml:3: url is now endpoint"}},
		{"the present name", "", nil, map[string]config.Value{"endpoint": {Any: "a", Line: 3}}, "a", nil},
		{"a flag before a variable", "--endpoint a", map[string]string{"MOVED_SOURCE_URL": "b"}, nil, "a", nil},
		{"a variable before a file", "", map[string]string{"MOVED_SOURCE_URL": "a"}, map[string]config.Value{"endpoint": {Any: "b", Line: 3}}, "a", []string{"MOVED_SOURCE_URL is now MOVED_SOURCE_ENDPOINT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, own := newMoved(t)
			line, problems := m.Args(append(strings.Fields(tt.args), "--topic=t"))
			settings, more := m.Resolve(Inputs{
				Line: line, File: tt.file, FilePath: "f.yaml",
				LookupEnv: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok },
			})
			if problems = append(problems, more...); len(problems) > 0 {
				t.Fatal(problems[0])
			}
			if err := m.Bind(settings); err != nil {
				t.Fatal(err)
			}
			if own.Endpoint != tt.want {
				t.Errorf("endpoint = %q", own.Endpoint)
			}
			if diff := cmp.Diff(tt.notices, m.Notices(settings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSeveralNamesOfOneOptionAreRefused(t *testing.T) {
	m, _ := newMoved(t)
	line, _ := m.Args([]string{"--topic", "t"})
	env := map[string]string{"MOVED_SOURCE_API_KEY": "c4n4ry", "MOVED_SOURCE_TOKEN": "c4n4ry"}
	_, problems := m.Resolve(Inputs{
		Line: line, FilePath: "f.yaml", LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		File: map[string]config.Value{"url": {Any: "a", Line: 1}, "endpoint": {Any: "b", Line: 2}, "pass": {Any: []any{"c4n4ry"}, Line: 3}},
	})
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	want := []string{
		"--token (MOVED_SOURCE_TOKEN): MOVED_SOURCE_TOKEN and MOVED_SOURCE_API_KEY are names of one option; keep MOVED_SOURCE_TOKEN",
		"--endpoint (f.yaml:2): endpoint and url are names of one option; keep endpoint",
		"--password (f.yaml:3): expected text, got a list: put it in quotes",
		"--password: needs --account too",
		"--password: needs --realm too",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, problems = m.Document(map[string]any{"topic": "t", "address": "a", "url": "b"})
	if len(problems) != 1 || problems[0].Error() != "--endpoint: url and address are names of one option; keep endpoint" {
		t.Error(problems)
	}
}

func TestFormerNamesAreHidden(t *testing.T) {
	m, _ := newMoved(t)
	var b bytes.Buffer
	err := m.WriteHelp(&b, nil)
	for _, shell := range Shells {
		if err == nil {
			err = m.WriteCompletion(&b, shell)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"url", "compress", "api-key", "headers"} {
		if strings.Contains(b.String(), "--"+name+"=") || strings.Contains(b.String(), "--"+name+" ") || strings.Contains(b.String(), "-l "+name+" ") {
			t.Errorf("help or completion tells of --%s", name)
		}
	}
}

func TestANameThatIsKeptIsTheOldest(t *testing.T) {
	m, _ := newMoved(t)
	if name := m.Option("endpoint").OldestName(); name != "url" {
		t.Error(name)
	}
	if name := m.Option("realm").OldestName(); name != "realm" {
		t.Error(name)
	}
}

func TestSchemaAndParserAgreeOnFormerNames(t *testing.T) {
	m, _ := newMoved(t)
	schemas := []*jsonschema.Schema{compileSchema(t, m.Schema(Draft07, "")), compileSchema(t, m.Schema(Draft2020, ""))}
	for doc, want := range map[string]bool{
		`{"topic":"t"}`:                                                           false,
		`{"topic":"t","endpoint":"a"}`:                                            true,
		`{"topic":"t","url":"a"}`:                                                 true,
		`{"topic":"t","url":""}`:                                                  false,
		`{"topic":"t","url":"a","address":"a"}`:                                   false,
		`{"topic":"t","url":"a","endpoint":"a"}`:                                  false,
		`{"topic":"t","url":"a","max":9}`:                                         true,
		`{"topic":"t","url":"a","max":10}`:                                        false,
		`{"topic":"t","url":"a","max":9,"limit":9}`:                               false,
		`{"topic":"t","url":"a","maxx":9}`:                                        false,
		`{"topic":"t","url":"a","api-key":"k","user":"u"}`:                        false,
		`{"topic":"t","url":"a","user":"u"}`:                                      false,
		`{"topic":"t","url":"a","user":"u","pass":"p"}`:                           false,
		`{"topic":"t","url":"a","user":"u","pass":"p","realm":"r"}`:               true,
		`{"topic":"t","url":"a","account":"u","pass":"p","realm":"r"}`:            true,
		`{"topic":"t","url":"a","account":"u","pass":"p","realm":"r","token":""}`: false,
		`{"topic":"t","url":"a","realm":"r"}`:                                     false,
	} {
		if got := agree(t, m, schemas, doc); got != want {
			t.Errorf("%s: accepted %t, want %t", doc, got, want)
		}
	}
	var names []string
	for _, o := range m.Options {
		names = append(names, o.names()...)
	}
	value := rapid.SampledFrom([]any{"a", "", 1, 10, true, []any{"a"}})
	rapid.Check(t, func(r *rapid.T) {
		doc := rapid.MapOfN(rapid.SampledFrom(names), value, 0, 6).Draw(r, "doc")
		data, err := json.Marshal(doc)
		if err != nil {
			r.Skip()
		}
		agree(r, m, schemas, string(data))
	})
}

func TestNewRefusesFormerNamesThatAreNone(t *testing.T) {
	const inUse = " is the name of something else, or stands twice"
	tests := []struct {
		name string
		own  any
		want string
	}{
		{"its own", &struct {
			A string `help:"A." aliases:"a"`
		}{}, `option a: aliases:"a"` + inUse},
		{"another option's", &struct {
			A string `help:"A." aliases:"b"`
			B string `help:"B."`
		}{}, `option a: aliases:"b"` + inUse},
		{"a shared option's", &struct {
			A string `help:"A." aliases:"topic"`
		}{}, `option a: aliases:"topic"` + inUse},
		{"a command's flag", &struct {
			A string `help:"A." aliases:"batch"`
		}{}, `option a: aliases:"batch"` + inUse},
		{"a flag that is no option", &struct {
			A string `help:"A." aliases:"config"`
		}{}, `option a: aliases:"config"` + inUse},
		{"another's former name", &struct {
			A string `help:"A." aliases:"c"`
			B string `help:"B." aliases:"c"`
		}{}, `option b: aliases:"c"` + inUse},
		{"the same twice", &struct {
			A string `help:"A." aliases:"c,c"`
		}{}, `option a: aliases:"c"` + inUse},
		{"capitals", &struct {
			A string `help:"A." aliases:"maxSize"`
		}{}, `option a: aliases:"maxSize" is no name; write small letters and digits, with a dash between words`},
		{"an underscore", &struct {
			A string `help:"A." aliases:"max_size"`
		}{}, `aliases:"max_size" is no name`},
		{"dashes before it", &struct {
			A string `help:"A." aliases:"--max"`
		}{}, `aliases:"--max" is no name`},
		{"a dash behind it", &struct {
			A string `help:"A." aliases:"max-"`
		}{}, `aliases:"max-" is no name`},
		{"a digit first", &struct {
			A string `help:"A." aliases:"3d"`
		}{}, `aliases:"3d" is no name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(Config{Name: "x-source", Own: tt.own, Shared: &kitchenShared{}, Control: &kitchenControl{}})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) && !strings.Contains(err.Error(), ": "+tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one line with %q", err, tt.want)
			}
		})
	}
}
