package options

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/config"
)

// kitchen has an option of every kind.
type kitchen struct {
	Endpoint URL               `help:"Address." required:"" identity:"" placeholder:"URL"`
	Interval time.Duration     `help:"Pause." default:"10s" min:"1ns"`
	Offset   time.Duration     `help:"Shift." default:"0s"`
	Wait     time.Duration     `help:"Wait." min:"0s"`
	Buffer   Size              `help:"Buffer." default:"64KiB"`
	Window   Size              `help:"Window." default:"1MiB" min:"1B"`
	Method   string            `help:"Method." enum:"GET,POST" default:"GET"`
	Level    int               `help:"Level." enum:"1,2,3" default:"2"`
	Retries  int               `help:"Retries." min:"0" max:"9" default:"3" unit:"tries" change:"config"`
	Ratio    float64           `help:"Ratio." min:"0" max:"1" default:"0.5"`
	Gzip     bool              `help:"Compress."`
	Header   []string          `help:"Header." sep:"none" pattern:"^[A-Za-z-]+:.*$" form:"a header: Name: value"`
	Codes    []int             `help:"Codes." min:"100" max:"599" default:"200,201"`
	Labels   map[string]string `help:"Labels."`
	Token    Secret            `help:"Token." xor:"auth"`
	Keys     []Secret          `help:"Keys."`
	Pace     time.Duration     `help:"Pace." deprecated:"2027-06-30" replacement:"interval" note:"The same text."`
	User     string            `help:"User." xor:"auth" and:"basic" maxlen:"5"`
	Password Secret            `help:"Password." and:"basic"`
	Trace    bool              `help:"Trace." hidden:""`
	TLS      struct {
		CA string `help:"CA file." name:"ca"`
	} `embed:"" prefix:"tls-" group:"TLS"`
}

type kitchenShared struct {
	Topic string `help:"Topic." required:"" group:"Topic" placeholder:"TOPIC"`
}

type kitchenControl struct {
	Help     bool     `help:"Help."`
	Config   string   `help:"File."`
	Run      struct{} `cmd:"" help:"Run."`
	Validate struct {
		Batch string `help:"Batch."`
	} `cmd:"" help:"Validate."`
	State struct {
		Show struct{} `cmd:"" help:"Show."`
		Set  struct {
			Positions []string `arg:"" name:"P=POS" help:"Positions."`
		} `cmd:"" help:"Set."`
	} `cmd:"" help:"State."`
	Completion struct {
		Shell string `arg:"" help:"Shell."`
	} `cmd:"" help:"Complete."`
}

func newKitchen(t testing.TB) (*Model, *kitchen, *kitchenShared) {
	t.Helper()
	own, shared := &kitchen{}, &kitchenShared{}
	m, err := New(Config{Name: "kitchen-source", Description: "Tests.", Title: "KitchenOptions", Own: own, Shared: shared, Control: &kitchenControl{}})
	if err != nil {
		t.Fatal(err)
	}
	return m, own, shared
}

func TestResolveTakesEachOptionFromTheHighestPlace(t *testing.T) {
	m, own, shared := newKitchen(t)
	line, problems := m.Args([]string{
		"--endpoint", "https://a.example/x", "--gzip", "--header", "A: 1,2", "--header=B: 3",
		"--codes", "404,500", "--labels", "a=1;b=x=y", "--offset", "-1h", "--tls-ca", "-",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	env := map[string]string{
		"PATCHBAY_TOPIC": "orders", "KITCHEN_SOURCE_ENDPOINT": "https://env.example",
		"KITCHEN_SOURCE_RETRIES": "7", "KITCHEN_SOURCE_TOKEN": "hush", "KITCHEN_SOURCE_METHOD": "",
	}
	settings, problems := m.Resolve(Inputs{
		Line: line, FilePath: "c.yaml",
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		File: map[string]config.Value{
			"retries": {Any: json.Number("1"), Line: 3}, "ratio": {Any: json.Number("0.25"), Line: 4},
			"buffer": {Any: "1MiB", Line: 5}, "level": {Any: "3", Line: 6, Reference: true},
		},
	})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	if err := m.Bind(settings); err != nil {
		t.Fatal(err)
	}
	want := kitchen{
		Interval: 10 * time.Second, Offset: -time.Hour, Buffer: 1 << 20, Window: 1 << 20, Method: "GET", Level: 3, Retries: 7,
		Ratio: 0.25, Gzip: true, Header: []string{"A: 1,2", "B: 3"}, Codes: []int{404, 500},
		Labels: map[string]string{"a": "1", "b": "x=y"}, Token: NewSecret("hush"),
	}
	want.TLS.CA = "-"
	if err := want.Endpoint.UnmarshalText([]byte("https://a.example/x")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *own, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Error(diff)
	}
	if shared.Topic != "orders" {
		t.Errorf("topic = %q", shared.Topic)
	}
}

func TestEveryProblemIsReportedInOneGo(t *testing.T) {
	m, _, _ := newKitchen(t)
	line, problems := m.Args([]string{
		"--endpiont", "https://a.example", "--interval=0s", "--level", "9", "--user", "toolong",
		"--nonsense", "--codes", "99", "--buffer", "64kb", "--labels", "x", "--token", "t",
	})
	_, more := m.Resolve(Inputs{Line: line, FilePath: "c.yaml", File: map[string]config.Value{
		"ratio": {Any: "half", Line: 7}, "wat": {Any: true, Line: 2}, "retires": {Any: true, Line: 9},
		"password": {Any: json.Number("12345"), Line: 8, Secret: true, Redact: true},
		"method":   {Any: "hidden-value", Line: 10, Reference: true, Redact: true},
	}})
	var got []string
	for _, p := range append(problems, more...) {
		got = append(got, p.Error())
	}
	want := []string{
		"unknown flag --endpiont; did you mean --endpoint?",
		"unknown flag --nonsense; see kitchen-source --help",
		`--interval: "0s" is not more than zero`,
		`--buffer: "64kb" is not a size; write it like 64KiB`,
		"--level: 9 is not one of 1, 2, 3",
		"--codes: element 1: 99 is less than 100",
		`--labels: "x" is not a pair; write it like key=value`,
		`--user: "toolong" is longer than 5 characters`,
		`c.yaml:2: unknown option "wat"; did you mean "wait"?`,
		`--ratio (c.yaml:7): expected a number, got the text "half"`,
		"--password (c.yaml:8): expected text, got a number: put it in quotes",
		`c.yaml:9: unknown option "retires"; did you mean "retries"?`,
		"--method (c.yaml:10): the value is not one of GET, POST",
		"--endpoint: is required; give --endpoint URL, set KITCHEN_SOURCE_ENDPOINT, or write endpoint in the config file",
		"--topic: is required; give --topic TOPIC, set PATCHBAY_TOPIC, or write topic in the config file",
		"--token and --user exclude each other; give one of them",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestArgsFindsCommandsAndKeepsTheOrderOfFlags(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		command []string
		order   []Occurrence
		problem string
	}{
		{name: "no command", args: []string{"--topic", "-"}, order: []Occurrence{{"topic", "-"}}},
		{name: "a value that looks like a flag", args: []string{"--user", "--topic"}, order: []Occurrence{{"user", "--topic"}}},
		{
			name: "flags around a command", args: []string{"--topic=x", "validate", "--batch", "-", "--gzip=false"},
			command: []string{"validate"}, order: []Occurrence{{"topic", "x"}, {"batch", "-"}, {"gzip", "false"}},
		},
		{
			name: "an argument of a command", args: []string{"completion", "bash"}, command: []string{"completion"},
			order: []Occurrence{{"shell", "bash"}},
		},
		{
			name: "an argument that takes many words", args: []string{"state", "set", "a=1", "=2", "-", "--topic", "x"}, command: []string{"state", "set"},
			order: []Occurrence{{"P=POS", "a=1"}, {"P=POS", "=2"}, {"P=POS", "-"}, {"topic", "x"}},
		},
		{name: "an unknown command", args: []string{"valid"}, problem: "neither a command nor the value of a flag"},
		{name: "a flag without its value", args: []string{"--topic"}, problem: "--topic"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _, _ := newKitchen(t)
			line, problems := m.Args(tt.args)
			if tt.problem != "" {
				if len(problems) != 1 || !strings.Contains(problems[0].Error(), tt.problem) {
					t.Fatalf("problems = %v, want one with %q", problems, tt.problem)
				}
				return
			}
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}
			if diff := cmp.Diff(tt.command, line.Command); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.order, line.Order); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheKitchenIsInOrder(t *testing.T) {
	m, _, _ := newKitchen(t)
	if err := m.Verify(); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesWhatAnAuthorGotWrong(t *testing.T) {
	tests := []struct {
		name string
		own  any
		want string
	}{
		{"a default that does not parse", &struct {
			A time.Duration `help:"A." default:"10 seconds"`
		}{}, `default: "10 seconds" is not a duration`},
		{"a default outside the bounds", &struct {
			A int `help:"A." default:"10" max:"9"`
		}{}, "10 is more than 9"},
		{"a pattern that does not compile", &struct {
			A string `help:"A." pattern:"(" form:"an a"`
		}{}, "pattern: error parsing regexp"},
		{"a secret with a default", &struct {
			A Secret `help:"A." default:"x"`
		}{}, "a secret has no default"},
		{"an environment variable of its own", &struct {
			A string `help:"A." env:"FOO"`
		}{}, "remove the env tag"},
		{"a short name", &struct {
			A string `help:"A." short:"a"`
		}{}, "option a: remove the short tag: an option has one spelling"},
		{"an enum that may be empty", &struct {
			A string `help:"A." enum:"a,b"`
		}{}, "an enum needs a default tag, or a required tag"},
		{"a separator of two characters", &struct {
			A []string `help:"A." sep:"::"`
		}{}, `sep:"::" is neither one character nor none`},
		{"a name of a command's flag", &struct {
			Batch string `help:"A."`
		}{}, "option batch: every connector has a flag of this name"},
		{"something embedded that has no fields", &struct {
			A string `embed:""`
		}{}, "type string cannot be embedded"},
		{"an unsupported type", &struct {
			A uint8 `help:"A."`
		}{}, "type uint8 is not supported"},
		{"a name of a shared option", &struct {
			Topic string `help:"A."`
		}{}, `option topic: every connector has a flag of this name; choose another, such as name:"x-topic"`},
		{"a name of a flag that is no option", &struct {
			Help string `help:"A."`
		}{}, `option help: every connector has a flag of this name`},
		{"a name of another field", &struct {
			A string `help:"A."`
			B string `help:"B." name:"a"`
		}{}, "option a: two fields of the options have this name"},
		{"a field that nobody sees", &struct {
			Part struct {
				aName string `help:"A."`
			} `embed:""`
		}{}, "field aName: it has tags and is no option; write AName"},
		{"a pattern without words", &struct {
			A string `help:"A." pattern:"^a$"`
		}{}, "needs a form tag"},
		{"a float without bounds", &struct {
			A float64 `help:"A."`
		}{}, "needs both a min and a max tag"},
		{"a deprecation without a day", &struct {
			A string `help:"A." deprecated:"soon" replacement:"none" note:"Leave it out."`
		}{}, `deprecated:"soon" is no day`},
		{"a replacement without a day", &struct {
			A string `help:"A." replacement:"none"`
		}{}, `deprecated:"" is no day`},
		{"a deprecation without a way out", &struct {
			A string `help:"A." deprecated:"2027-06-30" replacement:"none"`
		}{}, "needs a replacement tag (another option, or none) and a note tag"},
		{"a way out of two lines", &struct {
			A string `help:"A." deprecated:"2027-06-30" replacement:"none" note:"a\nb"`
		}{}, "note is more than one line"},
		{"a replacement that is no option", &struct {
			A string `help:"A." deprecated:"2027-06-30" replacement:"b" note:"See b."`
		}{}, `replacement:"b" is no option that stays`},
		{"a replacement that goes itself", &struct {
			A string `help:"A." deprecated:"2027-06-30" replacement:"b" note:"See b."`
			B string `help:"B." deprecated:"2027-06-30" replacement:"none" note:"Leave it out."`
		}{}, `replacement:"b" is no option that stays`},
		{"a deprecated option that is required", &struct {
			A string `help:"A." required:"" deprecated:"2027-06-30" replacement:"none" note:"Leave it out."`
		}{}, "a deprecated option is optional"},
		{"an unknown lifecycle class", &struct {
			A string `help:"A." change:"never"`
		}{}, "is not static, config or stream"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := New(Config{Name: "x-source", Own: tt.own, Shared: &kitchenShared{}, Control: &kitchenControl{}})
			if err == nil {
				err = m.Verify()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	const canary = "c4n4ry"
	s := NewSecret(canary)
	holder := struct{ S Secret }{s}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d", s, holder, holder, s, s, s, s) + logged.String() + string(encoded) + s.String()
	if strings.Contains(all, canary) || strings.Contains(all, fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret shows in %s", all)
	}
	if !strings.Contains(all, Redacted) {
		t.Errorf("nothing says that something was redacted: %s", all)
	}
	if s.Reveal() != canary {
		t.Error("Reveal does not return the secret")
	}
}

func TestNoMessageQuotesASecret(t *testing.T) {
	const canary = "c4n4ry"
	m, _, _ := newKitchen(t)
	line, problems := m.Args([]string{"--token", "x", canary})
	_, more := m.Resolve(Inputs{Line: line, FilePath: "c.yaml", File: map[string]config.Value{
		"endpoint": {Any: "https://user:" + canary + "@host/", Line: 1},
		"retries":  {Any: "4242", Line: 2, Reference: true, Redact: true},
		"password": {Any: []any{canary}, Line: 3},
	}})
	for _, p := range append(problems, more...) {
		if text := p.Error(); strings.Contains(text, canary) || strings.Contains(text, "4242") {
			t.Errorf("%s", text)
		}
	}
	if len(problems) != 1 || len(more) < 3 {
		t.Errorf("problems = %v, %v", problems, more)
	}
}

func TestNoMessageQuotesWhatAnAddressMayHide(t *testing.T) {
	m, _, _ := newKitchen(t)
	for _, text := range []string{
		"https://u:c4n4ry@h/", "https://u:c4n4/ry@h/", "u:c4n4ry@h", "https://h/p?token=c4n4ry x", "h/p?c4n4ry", "ftp://h/#c4n4ry",
		"https://c4n4ry@h/a@b", "socks5://u:c4n4ry@h:1",
	} {
		line, problems := m.Args([]string{"--topic", "t", "--endpoint", text})
		_, more := m.Resolve(Inputs{Line: line})
		if problems = append(problems, more...); len(problems) != 1 || strings.Contains(problems[0].Error(), "c4n4") {
			t.Errorf("%s: %v", text, problems)
		}
	}
	// An address in an option of another type, such as that of a broker.
	line, _ := m.Args([]string{"--topic", "t", "--endpoint", "https://h", "--user", "nats://u:c4n4/ry@h:4222"})
	if _, problems := m.Resolve(Inputs{Line: line}); len(problems) == 0 || strings.Contains(problems[0].Error(), "c4n4") {
		t.Errorf("problems = %v", problems)
	}
}

func TestHelpShowsWhatTheTagsSay(t *testing.T) {
	m, _, _ := newKitchen(t)
	var b bytes.Buffer
	if err := m.WriteHelp(&b, nil); err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"Usage: kitchen-source [command] [flags]", "Pause. [default 10s; $KITCHEN_SOURCE_INTERVAL]",
		"Method. [default GET; one of GET, POST; $KITCHEN_SOURCE_METHOD]", "Topic. [required; $PATCHBAY_TOPIC]", "TLS", "completion <shell>",
		"Pace. [deprecated, may be gone from 2027-06-30, use --interval; $KITCHEN_SOURCE_PACE]",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("help lacks %q:\n%s", want, b.String())
		}
	}
}

func TestNoticesTellOfDeprecatedOptionsThatAreGiven(t *testing.T) {
	const words = "deprecated, may be gone from 2027-06-30, use --interval; The same text."
	tests := []struct {
		name   string
		origin Origin
		want   []string
	}{
		{"on the command line", Origin{Kind: FromFlag}, []string{"--pace: " + words}},
		{"in the environment", Origin{Kind: FromEnv, Name: "KITCHEN_SOURCE_PACE"}, []string{"--pace (KITCHEN_SOURCE_PACE): " + words}},
		{"in a file", Origin{Kind: FromFile, Name: "f.yaml", Line: 3}, []string{"--pace (f.yaml:3): " + words}},
		{"by default", Origin{Kind: FromDefault}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _, _ := newKitchen(t)
			settings := Settings{"pace": {"1s", tt.origin}, "interval": {"1s", Origin{Kind: FromFlag}}}
			if diff := cmp.Diff(tt.want, m.Notices(settings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSizesAreExact(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "512": 512, "7B": 7, "64KiB": 65536, "10MB": 10_000_000, "999999TiB": 999999 << 40} {
		o := &Option{Kind: String, Type: "size", Pattern: sizePattern}
		var got Size
		if err := o.store(reflect.ValueOf(&got).Elem(), text); err != nil || got != want {
			t.Errorf("%s = %d, %v; want %d", text, got, err, want)
		}
	}
	for size, want := range map[Size]string{0: "0B", 1: "1B", 1536: "1536B", 65536: "64KiB", 1 << 40: "1TiB"} {
		if size.String() != want {
			t.Errorf("String of %d = %s, want %s", int64(size), size, want)
		}
	}
}

func TestJSONFormIsThatOfADocument(t *testing.T) {
	type level int
	got, err := JSONForm(map[string]any{"a": level(1 << 53), "b": []string{"x"}, "c": map[string]string{"k": "v"}, "d": true, "e": Size(1024)})
	want := map[string]any{"a": json.Number("9007199254740992"), "b": []any{"x"}, "c": map[string]any{"k": "v"}, "d": true, "e": "1KiB"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got, err := JSONForm(nil); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	if _, err := JSONForm(map[string]any{"a": func() {}}); err == nil {
		t.Error("a function is a value")
	}
}
