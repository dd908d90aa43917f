// Package options turns an options struct into everything that is said of it: the command line, the environment
// variables, the keys of a config file, the JSON Schema, the help and the shell completions. The struct's tags are read
// once; nothing is written twice.
//
// Tags that kong has mean here what they mean there: help, default, enum, required, placeholder, hidden, group, name, prefix,
// xorprefix, embed, sep, mapsep, xor, and. Beside them a field may carry min and max (bounds of a number; min:"0s" or
// min:"1ns" for a duration, min:"1B" for a size), maxlen, pattern with form (what it asks for, in words), unit, change (static,
// config or stream), identity and discover. One that goes out of use carries deprecated (the first day on which it may be
// gone), replacement (another option, or none) and note (how to migrate). One that had other names carries aliases, the oldest
// first: they are taken everywhere, and shown nowhere. Environment variables are derived from the names.
package options

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// A Grammar of flags and commands is described by Config.
type Config struct {
	Name        string // of the program; its own variables are prefixed with it
	Description string
	Title       string // of the schema: the name of the author's options type
	Own         any    // pointer to the author's options struct
	Shared      any    // pointer to the struct of shared options
	Control     any    // pointer to a struct with the commands and with the flags that are no options, such as --help

	Without   []string            // names of commands in Control that this program does not have
	Spellings map[string]Spelling // how others write flags, by their names; flags and former names come first
}

// A Model is what a program understands. It is not safe for concurrent use.
type Model struct {
	Options []*Option // the author's own first, then the shared ones, each in the order of the struct
	config  Config
	kong    *kong.Kong
	control map[string]*kong.Flag // flags that are no options, by name
	former  map[string]*Option    // by their former names
	seen    *[]Occurrence         // what the parser captures
}

// An Occurrence is a flag as it stood on the command line.
type Occurrence struct{ Name, Text string }

// New reads the structs' tags. An error is one mistake of the program's author, or several that are joined.
func New(c Config) (*Model, error) {
	m := &Model{config: c, control: map[string]*kong.Flag{}, former: map[string]*Option{}, seen: new([]Occurrence)}
	// Kong is told of the options below: it would take several times as long to read their tags, at every start.
	k, err := kong.New(c.Control, kong.Name(c.Name), kong.Description(c.Description), kong.NoDefaultHelp(),
		kong.WithHyphenPrefixedParameters(true), kong.ValueFormatter(m.describe),
		kong.ConfigureHelp(kong.HelpOptions{NoAppSummary: true, WrapUpperBound: 120}))
	if err != nil {
		return nil, fmt.Errorf("commands of %s: %w", c.Name, err)
	}
	m.kong = k
	k.Model.Children = slices.DeleteFunc(k.Model.Children, func(n *kong.Node) bool { return slices.Contains(c.Without, n.Name) })
	for _, f := range k.Model.Flags {
		m.control[f.Name] = f
	}
	if err := m.readOptions(); err != nil {
		return nil, err
	}
	flags := make([]*kong.Flag, 0, len(m.Options)+len(m.control))
	for _, o := range m.Options {
		flags = append(flags, o.flag())
	}
	k.Model.Flags = append(flags, k.Model.Flags...)
	m.capture(k.Model.Node)
	return m, nil
}

// readOptions makes an option of each field of the author's struct, then of each shared one. The error joins all mistakes.
func (m *Model) readOptions() error {
	program := strings.ToUpper(strings.ReplaceAll(m.config.Name, "-", "_"))
	ours, errs := readStruct(m.config.Shared, "", "PATCHBAY_")
	own, more := readStruct(m.config.Own, "Options", program+"_")
	errs = append(errs, more...)
	reserved := map[string]*kong.Flag{}
	collect(m.kong.Model.Node, reserved)
	for _, o := range ours {
		o.Shared, reserved[o.Name] = true, nil
	}
	seen := map[string]bool{}
	for _, o := range own {
		if _, ok := reserved[o.Name]; ok {
			errs = append(errs, fmt.Errorf("option %s: every connector has a flag of this name; choose another, such as name:%q", o.Name, systemName(m.config.Name)+"-"+o.Name))
		} else if seen[o.Name] {
			errs = append(errs, fmt.Errorf("option %s: two fields of the options have this name; rename one, or give it a name tag", o.Name))
		}
		seen[o.Name] = true
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	m.Options = append(own, ours...)
	if err := m.readFormer(); err != nil {
		return err
	}
	return m.checkDeprecations()
}

// readStruct makes options of a struct's fields, and tells what is wrong with the others.
func readStruct(pointer any, group, envPrefix string) (options []*Option, errs []error) {
	fields, errs := fieldsOf(reflect.ValueOf(pointer).Elem(), above{group: group})
	for _, f := range fields {
		o, err := newOption(f, envPrefix)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		options = append(options, o)
	}
	return options, errs
}

// systemName is what a connector's name says before its direction.
func systemName(connector string) string {
	if i := strings.LastIndexByte(connector, '-'); i > 0 {
		return connector[:i]
	}
	return connector
}

// flag is what kong knows of the option: enough to find it on the command line and to print its help.
func (o *Option) flag() *kong.Flag {
	v := &kong.Value{
		Name: o.Name, Help: o.Help, HasDefault: o.defaultStr != "", Default: o.defaultStr, Target: o.target,
		Tag: &kong.Tag{Sep: o.sep, MapSep: o.mapSep, TypeName: o.goType.Name()},
	}
	v.Flag = &kong.Flag{Value: v, PlaceHolder: o.Placeholder, Hidden: o.Hidden}
	if o.Group != "" {
		v.Flag.Group = &kong.Group{Key: o.Group, Title: o.Group}
	}
	return v.Flag
}

// Verify checks what would be too slow for every start: that every pattern compiles and that every default is a value that
// the option accepts. Tests of connectors call it, and the catalog finds the same by the schema.
func (m *Model) Verify() error {
	var errs []error
	for _, o := range m.Options {
		if _, err := regexp.Compile(o.Pattern); err != nil {
			errs = append(errs, fmt.Errorf("option %s: pattern: %w", o.Name, err))
		} else if o.Default != nil {
			if err := o.Check(o.Default); err != nil {
				errs = append(errs, fmt.Errorf("option %s: default: %w", o.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// capture makes the parser record what is given in place of decoding it, so that one run can report every problem.
func (m *Model) capture(n *kong.Node) {
	for _, f := range n.Flags {
		f.Mapper = recorder{f.Value, m.seen}
		f.Required = false // checked by Resolve, which knows all the places that a value may come from
	}
	for _, argument := range n.Positional {
		argument.Mapper = recorder{argument, m.seen}
	}
	for _, child := range n.Children {
		m.capture(child)
	}
}

type recorder struct {
	value *kong.Value // of a flag or of an argument
	seen  *[]Occurrence
}

// IsBool tells the parser that the flag needs no value.
func (r recorder) IsBool() bool {
	t := r.value.Target.Type()
	return t.Kind() == reflect.Bool || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Bool
}

// Decode records the flag, or the argument, and its text: each word of an argument that takes many.
func (r recorder) Decode(ctx *kong.DecodeContext, _ reflect.Value) error {
	if r.value.Flag == nil && r.value.IsCumulative() {
		for _, word := range ctx.Scan.PopWhile(kong.Token.IsValue) {
			*r.seen = append(*r.seen, Occurrence{r.value.Name, word.String()})
		}
		return nil
	}
	text := "true"
	if !r.IsBool() || ctx.Scan.Peek().Type == kong.FlagValueToken {
		if ctx.Scan.Peek().IsEOL() {
			return errors.New("needs a value")
		}
		if err := ctx.Scan.PopValueInto("a value", &text); err != nil {
			return err
		}
	}
	*r.seen = append(*r.seen, Occurrence{r.value.Name, text})
	return nil
}

// Option returns the option of a name, or nil.
func (m *Model) Option(name string) *Option {
	for _, o := range m.Options {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// names lists the flags that may be given, options and others.
func (m *Model) names() []string {
	var names []string
	for _, o := range m.Options {
		names = append(names, o.Name)
	}
	for name := range m.control {
		names = append(names, name)
	}
	return names
}
