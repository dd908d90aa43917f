package common

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

func TestCloudEventsUsage(t *testing.T) {
	const secret = "http://me:c4n4ry@127.0.0.1:9/in?key=c4n4ry"
	tests := []struct {
		name   string
		p      *program
		args   []string
		stderr string // whole, without the name of the program; empty means that all is well
	}{
		{"a source takes an address to post to", counter(), []string{"--broker", "https://me:c4n4ry@events.example/in/{topic}?key=c4n4ry"}, ""},
		{"a sink takes one to listen at", gatherer(), []string{"--broker", "http+listen://me:c4n4ry@0.0.0.0:0/in"}, ""},
		{
			"a source does not listen", counter(),
			[]string{"--broker", "http+listen://me:c4n4ry@127.0.0.1:0/"},
			"--broker: broker http+listen://xxxxx@127.0.0.1:0/: a source posts CloudEvents to http://… or https://…",
		},
		{
			"a sink does not post", gatherer(),
			[]string{"--broker", secret},
			"--broker: broker http://xxxxx@127.0.0.1:9/in?xxxxx: a sink receives CloudEvents at http+listen://HOST:PORT/PATH",
		},
		{
			"a listener has no end", gatherer(),
			[]string{"--broker", "http+listen://127.0.0.1:0/", "--once"},
			"--once: has no end where a sink listens; use --max-records",
		},
		{
			"a listener has no place for dead letters", gatherer(),
			[]string{"--broker", "http+listen://127.0.0.1:0/{topic}", "--on-error", "dead-letter", "--dead-letter", "dead"},
			"--on-error: dead-letter needs a topic on a NATS broker; where a sink listens, choose fail or skip",
		},
		{
			"dead letters need an address of their own", counter(),
			[]string{"--broker", secret, "--on-error", "dead-letter", "--dead-letter", "dead"},
			"--on-error: dead-letter needs {topic} in the path of --broker, or dead letters would go where all the others do",
		},
		{"dead letters have one", counter(), []string{"--broker", "http://127.0.0.1:9/{topic}", "--on-error", "dead-letter", "--dead-letter", "dead"}, ""},
		{
			"there are no buckets", counter(),
			[]string{"--broker", "http://127.0.0.1:9/", "--state", "kv:positions"},
			"--state: a bucket needs a NATS broker; over HTTP choose file:PATH or none",
		},
		{
			"nor where a sink listens", gatherer(),
			[]string{"--broker", "http+listen://127.0.0.1:9/", "--state", "kv:counted"},
			"--state: a bucket needs a NATS broker; over HTTP choose file:PATH or none",
		},
		{
			"there are no streams", gatherer(),
			[]string{"--broker", "http+listen://127.0.0.1:9/", "--topic-max-age", "1h"},
			"--broker: the topic-… options are for NATS; nothing keeps records on the way over HTTP",
		},
		{
			"the login of NATS is not for HTTP", gatherer(),
			[]string{"--broker", "http+listen://127.0.0.1:9/", "--broker-credentials-file", "x.creds"},
			"--broker: the broker-… options are for NATS; a user name and password stand in the address, as in https://USER:PASSWORD@HOST/",
		},
		{
			"a mode needs an address", counter(),
			[]string{"--broker", "nats://127.0.0.1:9", "--cloudevents-mode", "batched"},
			"--cloudevents-mode: has no effect without a --broker http://… or https://…",
		},
		{
			"an address is well formed", counter(),
			[]string{"--broker", "http://me:c4n4ry@/in"},
			"--broker: broker http://xxxxx@/in: write it as http://HOST:PORT/PATH or https://…",
		},
		{
			"an address has no spaces", counter(),
			[]string{"--broker", "http://me:c4n4ry@host/a b"},
			`--broker: "http://xxxxx@host/a b" is not a broker's address: nats://HOST:PORT, tls://… or nats+core://…, or for CloudEvents http://…, ` +
				"https://… or http+listen://HOST:PORT/…",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), tt.p, setting{args: append([]string{"validate", "--topic", "orders"}, tt.args...)})
			status, want := 0, ""
			if tt.stderr != "" {
				status, want = 2, tt.p.info.Name+": "+tt.stderr+"\n"
			}
			if got.status != status || got.stderr != want {
				t.Errorf("status %d, stderr:\n%s\nwant %d:\n%s", got.status, got.stderr, status, want)
			}
		})
	}
}

func TestABrokerThatIsNotUsedMayBeAnyOne(t *testing.T) {
	for _, broker := range []string{"http://127.0.0.1:9/", "http+listen://127.0.0.1:9/"} {
		got := invoke(t.Context(), counter(), setting{args: []string{"--topic", "-"}, env: map[string]string{"PATCHBAY_BROKER": broker}})
		if got.status != 0 || got.stdout != "1\n2\n3\n" {
			t.Errorf("%s: %+v", broker, got)
		}
	}
}

// A receiver is an HTTP server that notes the events it took.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	taken  []string       // payloads, in the order in which they came first
	again  int            // events that had come before
	paths  map[string]int // of what was taken
	refuse func() int     // the status of the next answer; nil always takes
}

func receive(t *testing.T) *receiver {
	r := &receiver{paths: map[string]int{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Method != http.MethodPost {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if status := r.refuse(); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	r.paths[req.URL.Path]++
	values := []string{string(body)}
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/cloudevents") {
		var events []struct {
			Data json.RawMessage `json:"data"`
		}
		if body[0] != '[' {
			body = fmt.Appendf(nil, "[%s]", body)
		}
		if err := json.Unmarshal(body, &events); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		values = nil
		for _, e := range events {
			values = append(values, string(e.Data))
		}
	}
	for _, value := range values {
		if slices.Contains(r.taken, value) {
			r.again++
			continue
		}
		r.taken = append(r.taken, value)
	}
}

// numbers are the texts of 1 to n.
func numbers(n int) (out []string) {
	for i := range n {
		out = append(out, strconv.Itoa(i+1))
	}
	return out
}

func TestASourcePostsInOrderWhateverTheAnswersAre(t *testing.T) {
	const n = 400
	for _, mode := range []string{"binary", "structured", "batched"} {
		t.Run(mode, func(t *testing.T) {
			r := receive(t)
			random := rand.New(rand.NewPCG(1, 2))
			refused := 0
			r.refuse = func() int {
				if random.IntN(8) > 0 {
					return 0
				}
				refused++
				return []int{500, 502, 429, 404}[random.IntN(4)]
			}
			got := invoke(t.Context(), counter(), setting{args: []string{
				"--topic", "numbers", "--broker", r.URL + "/in/{topic}", "--cloudevents-mode", mode, "--upto", strconv.Itoa(n), "--state", "none",
				"--retry-max-wait", "1ms", "--log-level", "error",
			}})
			if got.status != 0 || got.stderr != "" {
				t.Fatalf("status %d: %s", got.status, got.stderr)
			}
			if !slices.Equal(r.taken, numbers(n)) {
				t.Errorf("%d events, out of order or not all: %q", len(r.taken), r.taken)
			}
			if refused == 0 || r.paths["/in/numbers"] == 0 || len(r.paths) != 1 {
				t.Errorf("%d refused, paths %v", refused, r.paths)
			}
			if r.again > 0 {
				t.Errorf("%d came twice", r.again)
			}
		})
	}
}

func TestASourceOfCloudEventsResumesFromItsFile(t *testing.T) {
	r := receive(t)
	home := t.TempDir()
	file := filepath.Join(home, "patchbay", "tally-source", "tally-source-numbers.json")
	for _, upto := range []string{"2", "4"} {
		got := invoke(t.Context(), counter(), setting{
			args: []string{"--topic", "numbers", "--broker", r.URL, "--upto", upto}, env: map[string]string{"XDG_STATE_HOME": home},
		})
		if got.status != 0 {
			t.Fatal(got.stderr)
		}
	}
	if !slices.Equal(r.taken, numbers(4)) || r.again > 0 {
		t.Errorf("took %q, %d twice", r.taken, r.again)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	got := invoke(t.Context(), counter(), setting{
		args: []string{"state", "show", "--topic", "numbers", "--broker", r.URL}, env: map[string]string{"XDG_STATE_HOME": home},
	})
	if got.status != 0 || !strings.Contains(got.stdout, `"4"`) || !strings.Contains(got.stdout, file) {
		t.Errorf("state show: %+v", got)
	}
}

func TestTheFolderOfPositions(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string // the end of the path; empty means status 2
	}{
		{"XDG_STATE_HOME", map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/patchbay/tally-source/one.json"},
		{"no relative one", map[string]string{"XDG_STATE_HOME": "s", "HOME": "/h"}, "/h/.local/state/patchbay/tally-source/one.json"},
		{"none", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &opening{info: counter().info, name: "one", w: world{lookupEnv: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }}}
			path, err := o.stateFile()
			var usage *usageError
			if path != tt.want || errors.As(err, &usage) != (tt.want == "") {
				t.Errorf("%q, %v", path, err)
			}
		})
	}
}

func TestDeadLettersOfASourceHaveTheirOwnAddress(t *testing.T) {
	r := receive(t)
	got := invoke(t.Context(), counter(), setting{args: []string{
		"--topic", "numbers", "--broker", r.URL + "/{topic}", "--state", "none", "--on-error", "dead-letter", "--dead-letter", "dead",
		"--map", `if . == 2 then error("no") else . end`,
	}})
	if got.status != 0 || r.paths["/numbers"] != 2 || r.paths["/dead"] != 1 {
		t.Errorf("status %d, paths %v: %s", got.status, r.paths, got.stderr)
	}
}

func TestCheckOfCloudEvents(t *testing.T) {
	r := receive(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		name   string
		p      *program
		broker string
		status int
		stdout string
	}{
		{"a source finds somebody there", counter(), r.URL, 0, "broker: ok\n"},
		{"a source finds nobody there", counter(), strings.Replace(gone.URL, "//", "//me:c4n4ry@", 1), 1, "broker: post to " + gone.URL + "/: dial"},
		{"a sink can listen", gatherer(), "http+listen://127.0.0.1:0/", 0, "broker: ok\n"},
		{
			"a sink cannot listen", gatherer(), "http+listen://me:c4n4ry@" + taken.Addr().String() + "/in", 1,
			"broker: listen at http+listen://" + taken.Addr().String() + "/in: listen tcp",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), tt.p, setting{args: []string{"check", "--topic", "t", "--broker", tt.broker}})
			if got.status != tt.status || !strings.HasPrefix(got.stdout, tt.stdout) || strings.Contains(got.stdout+got.stderr, "c4n4ry") {
				t.Errorf("%+v", got)
			}
		})
	}
	if len(r.taken) > 0 {
		t.Errorf("a check has sent %q", r.taken)
	}
}

func TestALoginOnTheCommandLineIsWarnedOf(t *testing.T) {
	tests := []struct {
		broker string
		want   bool
	}{
		{"http://me:pw@127.0.0.1:9/", true},
		{"nats://a:1,nats://token@b:2", true},
		{"http://127.0.0.1:9/@", false},
		{"nats://a:1,nats://b:2", false},
	}
	for _, tt := range tests {
		t.Run(tt.broker, func(t *testing.T) {
			if got := holdsLogin(tt.broker); got != tt.want {
				t.Errorf("holdsLogin = %t", got)
			}
		})
	}
	got := invoke(t.Context(), counter(), setting{args: []string{
		"--topic", "t", "--broker", "http://me:c4n4ry@127.0.0.1:1/", "--upto", "0", "--state", "none",
	}})
	if !strings.Contains(got.stderr, "the login in --broker on the command line shows in the process list; set PATCHBAY_BROKER") ||
		strings.Contains(got.stderr, "c4n4ry") {
		t.Error(got.stderr)
	}
}
