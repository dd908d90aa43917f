package cloudevents

import (
	"errors"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestAddressesOfTopics(t *testing.T) {
	tests := []struct {
		name, address string
		listen        bool
		url           string
	}{
		{"used as it is", "http://h:80/in", false, "http://h:80/in"},
		{"without a path", "https://h", false, "https://h/"},
		{"the topic in the path", "http://h/topics/{topic}/in", false, "http://h/topics/a.b%2Fc/in"},
		{"the topic twice", "http://h/{topic}{topic}", false, "http://h/a.b%2Fca.b%2Fc"},
		{"escapes stay as they are", "http://h/x%2Fy%20z/{topic}", false, "http://h/x%2Fy%20z/a.b%2Fc"},
		{"a query stays", "http://h/?code=1", false, "http://h/?code=1"},
		{"user information is taken out", "http://u:p@h/", false, "http://h/"},
		{"a listener", "http+listen://127.0.0.1:0/{topic}", true, "http+listen://127.0.0.1:0/a.b%2Fc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseTarget(tt.address, "a.b/c", tt.listen)
			if err != nil {
				t.Fatal(err)
			}
			if got.url.String() != tt.url {
				t.Errorf("got %s, want %s", got.url.String(), tt.url)
			}
			if !Serves(tt.address) || Listens(tt.address) != tt.listen || NamesTopic(tt.address) != strings.Contains(tt.address, "{") {
				t.Errorf("Serves %t, Listens %t, NamesTopic %t", Serves(tt.address), Listens(tt.address), NamesTopic(tt.address))
			}
		})
	}
	for _, other := range []string{"", "nats://h", "http", "localhost:80"} {
		if Serves(other) {
			t.Errorf("%q is taken for an address of this package", other)
		}
	}
}

func TestAddressesThatCannotWork(t *testing.T) {
	tests := []struct {
		name, address string
		check         func(string) error
		want          string
	}{
		{"no host", "http:///x", CheckWriterURL, "write it as http://HOST:PORT/PATH"},
		{"no URL", "http://ann:hush%zz@h/?hush", CheckWriterURL, "write it as"},
		{"a listener for a writer", "http+listen://h:1/", CheckWriterURL, "posts CloudEvents to http://"},
		{"a port that is none", "http://h:70000/", CheckWriterURL, "the port must be a number"},
		{"a password with a hash", "http://ann:a@h/#hush", CheckWriterURL, "%23"},
		{"the topic as a host", "http://{topic}/", CheckWriterURL, "write it as"},
		{"the topic in the query", "http://h/?hush={topic}", CheckWriterURL, "may stand in the path only"},
		{"a writer's address for a reader", "http://ann:hush@h:1/", CheckReaderURL, "receives CloudEvents at http+listen://"},
		{"no port to listen on", "http+listen://h/", CheckReaderURL, "name the port"},
		{"no host to listen on", "http+listen://:80/", CheckReaderURL, "0.0.0.0 means every interface"},
		{"a query to listen on", "http+listen://h:80/?hush", CheckReaderURL, "nothing may follow the path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.check(tt.address)
			var config *transport.ConfigError
			if !errors.As(err, &config) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q and no secret", err, tt.want)
			}
		})
	}
	if _, err := parseTarget("http://h/{topic}", "", false); err == nil || !strings.Contains(err.Error(), "no topic") {
		t.Errorf("an address without its topic gave %v", err)
	}
}

func TestRedact(t *testing.T) {
	for address, want := range map[string]string{
		"http://h/a":            "http://h/a",
		"http://u:p@h/a?k=v":    "http://xxxxx@h/a?xxxxx",
		"http://u:p?a#b@h/#c":   "http://xxxxx@h/#xxxxx",
		"http://u:p@ss@h/":      "http://xxxxx@h/",
		"user:hush@h":           "(address hidden)",
		"h/?hush":               "(address hidden)",
		"http+listen://u:p@h:1": "http+listen://xxxxx@h:1",
	} {
		if got := Redact(address); got != want {
			t.Errorf("Redact(%q) = %q, want %q", address, got, want)
		}
	}
}
