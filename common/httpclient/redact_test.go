package httpclient_test

import (
	"testing"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestRedact(t *testing.T) {
	login := []string{"--username", "ann", "--password", `open "sesame"`}
	tests := []struct {
		name     string
		args     []string
		endpoint string
		text     string
		want     string
	}{
		{"a text without secrets", login, "http://x.example", "bad request, ann", "bad request, ann"},
		{"no secrets at all", nil, "http://x.example", "Basic Og== :", "Basic Og== :"},
		{"a password", login, "http://x.example", `not open "sesame"!`, "not [REDACTED]!"},
		{"a password in JSON", login, "http://x.example", `{"p":"open \"sesame\""}`, `{"p":"[REDACTED]"}`},
		{"a password in a header", login, "http://x.example", "Basic YW5uOm9wZW4gInNlc2FtZSI=", "Basic [REDACTED]"},
		{"a token", []string{"--bearer-token", "abc="}, "http://x.example", "Bearer abc=", "Bearer [REDACTED]"},
		{"a header", []string{"--secret-header", "X-Key: hush "}, "http://x.example", "X-Key: hush", "X-Key: [REDACTED]"},
		{"credentials in a plain header", []string{"--header", "authorization: ApiKey hush"}, "http://x.example", "not ApiKey hush", "not [REDACTED]"},
		{"another plain header", []string{"--header", "Accept: text/plain"}, "http://x.example", "not text/plain", "not text/plain"},
		{"a parameter, escaped", []string{"--secret-query", "key=a b&c"}, "http://x.example", "/?key=a+b%26c", "/?key=[REDACTED]"},
		{"a query of the endpoint", nil, "http://x.example/?sig=ab%2Fcd", "sig ab/cd, ab%2Fcd", "sig [REDACTED], [REDACTED]"},
		{
			"a secret within another",
			[]string{"--secret-query", "a=hush", "--secret-query", "b=hush-hush"},
			"http://x.example", "hush-hush hush", "[REDACTED] [REDACTED]",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := commontest.Options[wrapper](t, tt.args...)
			if got := options.HTTP.Redact(parse(t, tt.endpoint), tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
