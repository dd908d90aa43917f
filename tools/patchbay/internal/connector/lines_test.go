package connector

import (
	"strings"
	"testing"
)

func TestAddFields(t *testing.T) {
	const fields = `{"stream":"s"}`
	for line, want := range map[string]string{
		`{"msg":"a"}`:                     `{"stream":"s","msg":"a"}`,
		"  {  \"msg\":\"a\"}\n":           `{"stream":"s","msg":"a"}`,
		"{ }":                             fields,
		"text":                            "",
		`{"msg":`:                         "",
		`["msg"]`:                         "",
		`{"m":"` + long(MaxLine-8) + `"}`: `{"stream":"s","m":"` + long(MaxLine-8) + `"}`,
		`{"m":"` + long(MaxLine-7) + `"}`: "",
	} {
		got, ok := AddFields(line, fields)
		if got != want || ok != (want != "") {
			t.Errorf("%.40q: %.60q, %v, want %.60q", line, got, ok, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }
