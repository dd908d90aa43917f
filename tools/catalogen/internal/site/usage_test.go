package site

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testProse = prose{
	folder: "connectors/sources/http-source",
	pages:  map[string]string{"connectors/sinks/http-sink": "../http-sink/index.html"},
}

func TestLinksOfProse(t *testing.T) {
	tests := []struct{ name, address, want string }{
		{"another site", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"},
		{"another connector", "../../sinks/http-sink/README.md", "../http-sink/index.html"},
		{"another connector's folder", "../../sinks/http-sink/", "../http-sink/index.html"},
		{"a heading of the same text", "#pages", "#readme-pages"},
		{"a file beside", "testdata/x.json", repository + "/blob/main/connectors/sources/http-source/testdata/x.json"},
		{"a file at the top", "../../../CONTRIBUTING.md", repository + "/blob/main/CONTRIBUTING.md"},
		{"above the repository", "../../../../etc/passwd", ""},
		{"the host's root", "/etc/passwd", ""},
		{"another host without a scheme", "//evil.example", ""},
		{"backslashes", `\\evil.example`, ""},
		{"no encryption", "http://example.com", ""},
		{"a script", "javascript:alert(1)", ""},
		{"a script in disguise", "JaVaScRiPt:alert(1)", ""},
		{"data", "data:text/html,x", ""},
		{"a user and password", "https://user:pw@example.com", ""},
		{"no host", "https:///x", ""},
		{"no host but a port", "https://:443/x", ""},
		{"a scheme without slashes", "https:evil.example", ""},
		{"a control character", "https://example.com/\x01", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := testProse.target(tt.address); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProseBecomesHTML(t *testing.T) {
	tests := []struct{ name, markdown, want string }{
		{"drops its title", "# Title\n\nText.", "<p>Text.</p>\n"},
		{
			"puts headings under the page's own", "## Some pages\n\n### Deeper\n\nText.",
			"<h3 id=\"readme-some-pages\">Some pages</h3>\n<h4 id=\"readme-deeper\">Deeper</h4>\n<p>Text.</p>\n",
		},
		{"drops headings with nothing under them", "## A\n\n## B\n\nText.\n\n## C\n", "<h3 id=\"readme-b\">B</h3>\n<p>Text.</p>\n"},
		{"drops comments", "a <!-- b --> c\n\n<!-- tested -->\n\nd", "<p>a  c</p>\n<p>d</p>\n"},
		{"shows what only begins as a comment", "<!-- a --><b>\n", "<p>&lt;!-- a --&gt;&lt;b&gt;</p>\n"},
		{"shows its own HTML as text", "a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n"},
		{"shows a block of HTML as text", "<script>\nx\n</script>", "<p>&lt;script&gt;\nx\n&lt;/script&gt;</p>\n"},
		{"keeps the words of a link that it refuses", "[go *on*](javascript:x)", "<p>go <em>on</em></p>\n"},
		{"marks links", "[x](https://example.com)", "<p><a href=\"https://example.com\" rel=\"noreferrer\">x</a></p>\n"},
		{"shows the words of an image", "![a cat](https://example.com/cat.png)", "<p>a cat</p>\n"},
		{"lets code scroll", "~~~\na\n~~~", "<pre tabindex=\"0\"><code>a\n</code></pre>\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := testProse.render(tt.markdown)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProseGivesItsHeadings(t *testing.T) {
	_, got, err := testProse.render("# T\n\n## One `code`\n\n### Deep\n\n## One code\n\nText.\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []heading{{"One code", "readme-one-code"}, {"One code", "readme-one-code-2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

var (
	tag        = regexp.MustCompile(`<[^>]*>`)
	allowedTag = regexp.MustCompile(`^</?(a|blockquote|br|code|div|em|h[3-6]|hr|li|ol|p|pre|strong|table|tbody|td|th|thead|tr|ul)[ />]`)
	badAttr    = regexp.MustCompile(`(?i)\s(on\w+|style|src)=`)
	href       = regexp.MustCompile(`href="([^"]*)"`)
)

func FuzzProseIsHarmless(f *testing.F) {
	for _, text := range []string{
		"# a\n\n## b", "[x](javascript:alert(1))", "<script>x</script>", "![a](https://e.example/x.png)", "[a]: javascript:x\n\n[a]",
		"<https://e.example>", "[![a](b)](//c)", "| a |\n| - |\n| <b> |", "## <i>x</i> \" onload=", "&#106;avascript:", "~~~\"><x\n",
		"<!--\n-->x", "<div\n", "* [a](b (t))", "[x](<javas\tcript:y>)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		out, _, err := testProse.render(markdown)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range tag.FindAllString(string(out), -1) {
			if !allowedTag.MatchString(found) || badAttr.MatchString(found) {
				t.Errorf("%q gives %q", markdown, found)
			}
			for _, m := range href.FindAllStringSubmatch(found, -1) {
				relative := !strings.Contains(strings.SplitN(m[1], "/", 2)[0], ":") && !strings.HasPrefix(m[1], "/")
				if !strings.HasPrefix(m[1], "https://") && !relative {
					t.Errorf("%q links to %q", markdown, m[1])
				}
			}
		}
	})
}

func TestScrubReplacesWhatHidesOrControls(t *testing.T) {
	got := string(scrub([]byte("a\x00b\x1b[31mc\u202ed\u200be\x7f\u009bf\xff\n\tg é")))
	if want := "a\ufffdb\ufffd[31mc\ufffdd\ufffde\ufffd\ufffdf\ufffd\n\tg é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
