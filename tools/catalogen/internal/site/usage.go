package site

import (
	"bytes"
	"fmt"
	"html/template"
	"path"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// repository is where a README's links to files of the source tree lead.
const repository = "https://github.com/patchbay-dev/patchbay"

// A heading is one heading of the rendered prose, for the page's contents.
type heading struct {
	Title  string
	Anchor string
}

// A prose renders the README text of one connector.
type prose struct {
	folder string            // the connector's folder in the repository
	pages  map[string]string // folders of connectors to their pages, from this page
}

// render turns Markdown into HTML without any of the document's own HTML, images, scripts or unsafe links. Headings start
// at level three, under the page's own. Its result is the one piece of markup that templates do not escape.
func (p prose) render(markdown string) (template.HTML, []heading, error) {
	source := []byte(markdown)
	md := goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(html.WithXHTML()),
	)
	root := md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	headings, err := p.tame(root, source)
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, root); err != nil {
		return "", nil, fmt.Errorf("render usage: %w", err)
	}
	// What scrolls sideways must be reachable by keyboard. Text is escaped by now, so that these are real tags.
	scroll := strings.NewReplacer(
		"<pre>", `<pre tabindex="0">`,
		"<table>", `<div class="scroll" tabindex="0"><table>`, "</table>", "</table></div>",
	)
	return template.HTML(scroll.Replace(out.String())), headings, nil
}

// tame rewrites the parsed document: levels, links, images and raw HTML.
func (p prose) tame(root ast.Node, source []byte) ([]heading, error) {
	var nodes []ast.Node
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			nodes = append(nodes, n)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return nil, fmt.Errorf("walk usage: %w", err)
	}
	var headings []heading
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 1 || isEmptySection(n) { // the page has its own title, and its own table of options
				n.Parent().RemoveChild(n.Parent(), n)
				continue
			}
			n.Level = min(n.Level+1, 6)
			if id, ok := n.AttributeString("id"); ok && n.Level == 3 {
				headings = append(headings, heading{Title: plainText(n, source), Anchor: string(id.([]byte))})
			}
		case *ast.Link:
			target := p.target(string(n.Destination))
			if target == "" {
				unwrap(n)
				continue
			}
			n.Destination = []byte(target)
			n.SetAttributeString("rel", []byte("noreferrer"))
		case *ast.AutoLink:
			if n.AutoLinkType != ast.AutoLinkURL || secureURL(string(n.URL(source))) == "" {
				replace(n, string(n.Label(source)))
			}
		case *ast.Image:
			replace(n, plainText(n, source))
		case *ast.RawHTML:
			if text := string(n.Segments.Value(source)); isComment(text) {
				n.Parent().RemoveChild(n.Parent(), n)
			} else {
				replace(n, text)
			}
		case *ast.HTMLBlock:
			if isComment(blockText(n, source)) {
				n.Parent().RemoveChild(n.Parent(), n)
				continue
			}
			literal := ast.NewParagraph()
			literal.AppendChild(literal, ast.NewString([]byte(strings.TrimSpace(blockText(n, source)))))
			n.Parent().ReplaceChild(n.Parent(), n, literal)
		}
	}
	return headings, nil
}

// isComment reports whether markup is nothing but a comment, which is not for readers.
func isComment(markup string) bool {
	markup = strings.TrimSpace(markup)
	return strings.HasPrefix(markup, "<!--") && strings.Index(markup, "-->") == len(markup)-len("-->")
}

// isEmptySection reports whether nothing stands between a heading and the next one of its level or above.
func isEmptySection(h *ast.Heading) bool {
	following, isHeading := h.NextSibling().(*ast.Heading)
	return h.NextSibling() == nil || isHeading && following.Level <= h.Level
}

// target gives the address that a link of the README has on the site, or "" where it must not be a link.
func (p prose) target(address string) string {
	if secure := secureURL(address); secure != "" {
		return secure
	}
	file, fragment, ok := relativePath(address)
	if !ok {
		return ""
	}
	if file == "" {
		return "#readme-" + fragment
	}
	file = path.Join(p.folder, file)
	if file == ".." || strings.HasPrefix(file, "../") || strings.HasPrefix(file, "/") {
		return ""
	}
	if page, ok := p.pages[strings.TrimSuffix(file, "/README.md")]; ok {
		return page
	}
	return repository + "/blob/main/" + file
}

func blockText(n *ast.HTMLBlock, source []byte) string {
	out := string(n.Lines().Value(source))
	if n.HasClosure() {
		out += string(n.ClosureLine.Value(source))
	}
	return out
}

// plainText collects the text below a node.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Segment.Value(source))
		case *ast.String:
			b.Write(c.Value)
		default:
			b.WriteString(plainText(c, source))
		}
	}
	return b.String()
}

func replace(n ast.Node, literal string) {
	n.Parent().ReplaceChild(n.Parent(), n, ast.NewString([]byte(literal)))
}

// unwrap puts a node's children into its place.
func unwrap(n ast.Node) {
	parent := n.Parent()
	for c := n.FirstChild(); c != nil; {
		next := c.NextSibling()
		parent.InsertBefore(parent, n, c)
		c = next
	}
	parent.RemoveChild(parent, n)
}

// anchors makes the ids of headings. They start with "readme-", so that they never meet those of the page.
type anchors map[string]int

// Generate gives a fresh id for a heading.
func (a anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	return []byte(unique(a, "readme-"+slug(string(util.TrimRightSpace(value)))))
}

// Put takes an id that the document sets itself. None can: attributes are not parsed.
func (a anchors) Put(value []byte) { a[strconv.Quote(string(value))] = 1 }
