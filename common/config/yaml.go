package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxTokens bounds the YAML parser's time, which grows with the square of a mapping's length.
const maxTokens = 30_000

func parseYAML(data []byte) (root *node, problem *Problem) {
	// The parser is large and the file is anybody's: a panic in it is the file's error, not the connector's end.
	defer func() {
		if recover() != nil {
			root, problem = nil, &Problem{Line: 1, Message: "the file is not valid YAML"}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if problem := checkTokens(tokens); problem != nil {
		return nil, problem
	}
	// Duplicate keys are allowed here and refused by the binder, which names all of them with both lines.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlSyntax(err)
	}
	var body ast.Node
	for i, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if body != nil || i > 0 && file.Docs[i-1].Body == nil {
			line := 1
			if doc.Start != nil {
				line = doc.Start.Position.Line
			}
			return nil, &Problem{
				Line: line, Column: 1, Message: "a second YAML document starts here",
				Fix: "keep one document in a file",
			}
		}
		body = doc.Body
	}
	if body == nil {
		return nil, emptyFile()
	}
	r := yamlReader{anchors: map[string]*node{}}
	return r.value(body, 1)
}

// checkTokens refuses what the parser would answer with recursion without end, or with minutes of work.
func checkTokens(tokens token.Tokens) *Problem {
	if len(tokens) > maxTokens {
		at := tokens[maxTokens].Position
		return &Problem{
			Line: at.Line, Column: at.Column, Fix: "write a file of this size as JSON",
			Message: fmt.Sprintf("the file holds more than %d YAML tokens", maxTokens),
		}
	}
	// Flow collections nest by their brackets. Block collections nest by indentation, which takes ever more bytes and so
	// cannot run away, or on one line by indicators. Tags and anchors of one value are told apart from the next value's
	// by what stands between them.
	flow, indicators, properties, line := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, indicators = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType:
			indicators++
		}
		if flow+indicators > 2*MaxDepth {
			return tooDeep(line, t.Position.Column)
		}
		switch t.Type {
		case token.TagType, token.AnchorType:
			properties++
		case token.CollectEntryType, token.MappingValueType, token.SequenceEntryType:
			properties = 0
		}
		if properties > 2*MaxDepth {
			return &Problem{Line: line, Column: t.Position.Column, Message: "too many tags and anchors on one value"}
		}
	}
	return nil
}

// yamlSyntax takes the place and the message of a parser error and leaves the source lines, which may hold secrets.
func yamlSyntax(err error) *Problem {
	p := &Problem{Line: 1, Message: "the file is not valid YAML"}
	var syntax interface {
		error
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &syntax) {
		// A quoted part of the message is text of the file.
		if message := syntax.GetMessage(); message != "" && !strings.Contains(message, `"`) {
			p.Message += ": " + message
		}
		if strings.HasPrefix(syntax.GetMessage(), "block sequence entries are not allowed") { // as in topic: -
			p.Fix = "put a dash that is a value in quotes"
		}
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = max(t.Position.Line, 1), max(t.Position.Column, 1)
		}
	}
	return p
}

// yamlReader makes nodes from the parser's tree.
type yamlReader struct {
	anchors map[string]*node
	aliased int // what aliases have added to the size of the file
}

func (r *yamlReader) value(n ast.Node, depth int) (*node, *Problem) {
	made := &node{line: 1, column: 1}
	if n == nil { // a key without a value, in some corners of the grammar
		made.kind = null
		made.measure()
		return made, nil
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		made.line, made.column = t.Position.Line, max(t.Position.Column, 1)
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		value, problem := r.value(n.Value, depth)
		if problem == nil { // only now: an alias inside its own anchor finds nothing
			r.anchors[n.Name.GetToken().Value] = value
		}
		return value, problem
	case *ast.AliasNode:
		return r.alias(n.Value.GetToken().Value, made, depth)
	case *ast.TagNode:
		value, problem := r.value(n.Value, depth)
		if problem != nil {
			return nil, problem
		}
		return tagged(value, n.Start.Value, made), nil
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		if depth >= MaxDepth {
			return nil, tooDeep(made.line, made.column)
		}
		if problem := r.collection(n, made, depth); problem != nil {
			return nil, problem
		}
	case *ast.LiteralNode:
		made.text = n.Value.Value
	case *ast.NullNode:
		made.kind = null
		if n.Token.Type == token.NullType { // written out, which !!str makes a text
			made.text = n.Token.Value
		}
	case *ast.StringNode:
		made.text = n.Value
		if t := n.Token.Type; t != token.SingleQuoteType && t != token.DoubleQuoteType {
			made.resolve()
		}
	case ast.ScalarNode:
		made.text = n.GetToken().Value
		made.resolve()
	default:
		made.kind, made.message = invalid, "the value is not one of YAML's core schema"
	}
	made.measure()
	return made, nil
}

func (r *yamlReader) alias(name string, at *node, depth int) (*node, *Problem) {
	value, ok := r.anchors[name]
	if !ok {
		return nil, &Problem{Line: at.line, Column: at.column, Message: "the alias names no anchor that stands before it"}
	}
	if depth+value.depth-1 > MaxDepth {
		return nil, tooDeep(at.line, at.column)
	}
	if r.aliased += value.size; r.aliased > MaxBytes {
		return nil, &Problem{
			Line: at.line, Column: at.column, Fix: "write the values out",
			Message: fmt.Sprintf("the file's aliases stand for more than %d bytes", MaxBytes),
		}
	}
	return value, nil
}

func (r *yamlReader) collection(n ast.Node, made *node, depth int) *Problem {
	made.kind = mapping
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.SequenceNode:
		made.kind = list
		for _, item := range n.Values {
			value, problem := r.value(item, depth+1)
			if problem != nil {
				return problem
			}
			made.items = append(made.items, value)
		}
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	}
	for _, pair := range pairs {
		e := key(pair.Key)
		value, problem := r.value(pair.Value, depth+1)
		if problem != nil {
			return problem
		}
		e.value = value
		made.entries = append(made.entries, e)
	}
	return nil
}

// key reads a mapping's key, which is the text of a scalar as it is written: 404 and true are keys too.
func key(n ast.Node) entry {
	if explicit, ok := n.(*ast.MappingKeyNode); ok {
		n = explicit.Value
	}
	e := entry{line: 1, column: 1}
	if n == nil {
		e.message = "the key is missing"
		return e
	}
	t := n.GetToken()
	if t != nil && t.Position != nil {
		e.line, e.column = t.Position.Line, max(t.Position.Column, 1)
	}
	switch n := n.(type) {
	case *ast.MergeKeyNode:
		e.message, e.fix = "merge keys (<<) are not YAML 1.2", "write the keys out, or use an alias for the whole value"
	case *ast.NullNode:
		e.message = "the key is missing"
	case *ast.StringNode:
		e.key = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		e.key = t.Value
	default:
		e.message, e.fix = "a key must be plain or quoted text", "write it without tag, anchor, alias or brackets"
	}
	return e
}

var (
	jsonNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`) })
	// otherNumber is what some version of YAML reads as a number and JSON does not.
	otherNumber = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[-+]?(0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|` +
			`[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))$|^\.(nan|NaN|NAN)$`)
	})
)

// resolve gives a plain scalar its kind by YAML 1.2's core schema, whatever version the parser had in mind.
func (n *node) resolve() {
	switch s := n.text; {
	case s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL":
		n.kind = null
	case s == "true" || s == "True" || s == "TRUE":
		n.kind = boolean
	case s == "false" || s == "False" || s == "FALSE":
		n.kind = boolean
	case jsonNumber().MatchString(s):
		n.kind = number
	case otherNumber().MatchString(s):
		n.kind, n.message = invalid, "the number is not written as JSON writes numbers"
		n.fix = "write it in decimal, or quote it if it is text"
	}
}

// tagged applies an explicit tag of the core schema; any other makes the value invalid.
func tagged(value *node, tag string, at *node) *node {
	n := *value
	n.line, n.column = at.line, at.column
	plain := node{kind: n.kind, text: n.text}
	if n.kind != list && n.kind != mapping {
		plain.kind = text
		plain.resolve()
	}
	fits := false
	switch tag {
	case "!!str":
		if n.kind != list && n.kind != mapping {
			n.kind, n.message, n.fix = text, "", ""
			return &n
		}
	case "!!int":
		fits = plain.kind == number && !strings.ContainsAny(n.text, ".eE")
		n.kind = number
	case "!!float":
		fits = plain.kind == number
		n.kind = number
	case "!!bool":
		fits = plain.kind == boolean
		n.kind = boolean
	case "!!null":
		fits = plain.kind == null
		n.kind = null
	case "!!map":
		fits = n.kind == mapping
	case "!!seq":
		fits = n.kind == list
	default:
		n.kind, n.message, n.fix = invalid, "tags outside YAML's core schema are not read", "remove the tag"
		return &n
	}
	if !fits {
		n.kind, n.message, n.fix = invalid, "the value does not fit its tag", "remove the tag"
	}
	return &n
}
