// Package fake is a connector for catalogen's own tests. It behaves as the metadata.json beside it says, because it reads
// its options' schema from there, and badly in the ways that a file called quirk names.
package fake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// Program is the name under which a program that calls Main must be found.
const Program = "fakeconnector"

// Main is the connector's main function: the folder, then what its user typed. It returns the exit status.
func Main(args []string) int {
	dir, args := args[0], args[1:]
	c := connector{dir: dir, quirks: quirks(dir)}
	c.compiled = sync.OnceValues(func() (*schema.Schema, error) {
		_, flat, _ := c.document()
		return schema.Compile(flat)
	})
	if c.is("leaky") { // tells its environment to everyone
		fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), "\n"), args)
	}
	if len(args) == 0 {
		args = []string{"run"}
	}
	switch args[0] {
	case "metadata":
		return c.metadata()
	case "validate":
		return c.validate(args[1:])
	case "completion":
		return c.completion()
	case "--help":
		return c.help()
	case "--version":
		return c.version()
	case "discover":
		if c.has("discover") || c.is("discovers") {
			return c.discover(c.flags(args[1:]))
		}
	case "run":
		args = args[1:]
	}
	flat := c.flags(args)
	if status := c.end(flat); status != 0 {
		return status
	}
	return c.run(flat)
}

// quirks are the ways in which the connector misbehaves.
func quirks(dir string) []string {
	text, err := os.ReadFile(filepath.Join(dir, "quirk"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), ",")
}

type connector struct {
	dir      string
	quirks   []string
	compiled func() (*schema.Schema, error)
}

func (c connector) is(quirk string) bool { return slices.Contains(c.quirks, quirk) }

func (c connector) document() (text, flat []byte, properties map[string]options.Option) {
	text, err := os.ReadFile(filepath.Join(c.dir, "metadata.json"))
	if err != nil {
		panic(err)
	}
	var doc struct {
		Schema json.RawMessage `json:"schema"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return text, nil, nil // some tests want it broken
	}
	read, _ := options.Read(doc.Schema)
	properties = map[string]options.Option{}
	for _, o := range read.Options {
		properties[o.Name] = o
	}
	return text, doc.Schema, properties
}

func (c connector) metadata() int {
	if c.is("fails") {
		fmt.Fprintln(os.Stderr, "no idea")
		return 1
	}
	text, _, _ := c.document()
	if c.is("unsteady") {
		text = bytes.Replace(text, []byte(`"title": "`), []byte(fmt.Sprintf(`"title": "%d `, time.Now().UnixNano())), 1)
	}
	os.Stdout.Write(text)
	return 0
}

func (c connector) version() int {
	text, _, _ := c.document()
	var doc metadata.Document
	_ = json.Unmarshal(text, &doc) // some tests want it broken
	fmt.Println(doc.Version)
	return 0
}

func (c connector) help() int {
	_, _, properties := c.document()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Printf("  --%s=VALUE  [$%s]\n", name, properties[name].Env)
	}
	if c.has("discover") && !c.is("silent-discover") {
		fmt.Println("  discover")
	}
	fmt.Println("  --help\n  --version\n  --config=FILE")
	if c.is("chatty-help") {
		fmt.Println("  --undocumented")
	}
	return 0
}

func (c connector) completion() int {
	_, _, properties := c.document()
	for name := range properties {
		fmt.Println("--" + name)
	}
	fmt.Println("--help --version --config")
	return 0
}

type verdict struct {
	Valid    bool      `json:"valid"`
	Problems []problem `json:"problems,omitempty"`
}

type problem struct {
	Option   string `json:"option"`
	Message  string `json:"message"`
	Semantic bool   `json:"semantic,omitempty"`
}

// judge validates one flat document. The quirk "lenient" lets everything pass, "refuses" nothing, and "picky" no text
// for header; both say that the reason is none of a schema's.
func (c connector) judge(text []byte) verdict {
	if c.is("lenient") {
		return verdict{Valid: true}
	}
	s, err := c.compiled()
	if err != nil {
		return verdict{Problems: []problem{{Message: err.Error()}}}
	}
	var v verdict
	for _, p := range s.ValidateText(text) {
		v.Problems = append(v.Problems, problem{Option: strings.TrimPrefix(p.Pointer, "/"), Message: "is wrong"})
	}
	if len(v.Problems) == 0 && (c.is("refuses") || c.is("picky") && bytes.Contains(text, []byte(`"header"`))) {
		v.Problems = []problem{{Option: "header", Message: "is not to my taste", Semantic: true}}
	}
	v.Valid = len(v.Problems) == 0
	return v
}

func (c connector) validate(args []string) int {
	if len(args) == 2 && args[0] == "--batch" {
		in := bufio.NewReader(os.Stdin)
		for {
			line, err := in.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				if c.is("silent-batch") {
					return 0
				}
				out, _ := json.Marshal(c.judge(line))
				fmt.Printf("%s\n", out)
			}
			if err == io.EOF {
				return 0
			}
		}
	}
	return c.end(c.flags(args))
}

// run is driven, or makes one pass over an endpoint. The quirk "careless" is content with anything, and "tells-token"
// explains its failure too well.
func (c connector) run(flat map[string]any) int {
	if flat["acks"] != nil {
		return c.drive(strings.HasSuffix(c.dir, "-sink"))
	}
	if flat["once"] == nil || c.is("careless") {
		return 0
	}
	if c.is("tells-token") {
		fmt.Fprintln(os.Stderr, "unauthorised:", flat["token"])
	}
	endpoint, err := url.Parse(fmt.Sprint(flat["endpoint"]))
	if err == nil {
		_, err = net.DialTimeout("tcp", endpoint.Host, 5*time.Second)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func (c connector) end(flat map[string]any) int {
	text, err := json.Marshal(flat)
	if err != nil {
		fmt.Fprintln(os.Stderr, "wrong")
		return 2
	}
	v := c.judge(text)
	for _, p := range v.Problems {
		fmt.Fprintf(os.Stderr, "--%s %s\n", p.Option, p.Message)
	}
	if !v.Valid {
		return 2
	}
	return 0
}
