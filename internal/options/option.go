package options

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// Kind is the shape of an option's value in its JSON form.
type Kind string

// The shapes that an option may have.
const (
	String  Kind = "string"
	Boolean Kind = "boolean"
	Integer Kind = "integer"
	Number  Kind = "number"
	Array   Kind = "array"
	Object  Kind = "object" // string keys, string values
)

// MaxInteger bounds every integer option: 2^53-1, the largest that every JSON reader keeps exact (RFC 8259, section 6).
const MaxInteger = 1<<53 - 1

// An Option is one field of an options struct: everything that its flag, its environment variable, its key in a config
// file and its schema property are made from.
type Option struct {
	Name        string   // the flag without dashes, the key in a config file, the schema property
	Former      []string // names that it had and is still taken by, the oldest first
	Help        string
	Group       string
	Env         string
	Placeholder string
	Unit        string // what a plain number counts
	Change      string // static, config or stream: when a host may change it
	XOR, AND    []string
	Required    bool
	Shared      bool // declared by common, the same in every connector
	Secret      bool
	Identity    bool // names the resource that is read, so that a saved position is only good for the same value
	Discover    bool // need not be given to discover what there is, even if Required
	Hidden      bool
	Deprecation *metadata.Deprecation // nil for an option that stays

	Kind       Kind
	Elem       Kind // of an Array
	Enum       []string
	Min, Max   *big.Rat // of an Integer or Number, or of an Array's elements
	MaxLength  int      // of a String, in characters; 0 means no limit
	Pattern    string   // of a String, or of an Array's elements; RE2 that is also ECMA 262
	Form       string   // what the pattern asks for, in words that complete "is not …"
	Type       string   // duration, size, url, …: how a String is read; empty for plain text
	Example    string   // of a value, for messages
	Default    any      // JSON form; nil when there is none
	defaultStr string

	envPrefix   string
	sep, mapSep rune // between the elements in one flag; -1 means none
	goType      reflect.Type
	target      reflect.Value
}

// newOption reads an option from a field of a struct.
func newOption(f field, envPrefix string) (*Option, error) {
	o := &Option{Name: f.name}
	if err := o.read(f, envPrefix); err != nil {
		return nil, fmt.Errorf("option %s: %w", f.name, err)
	}
	return o, nil
}

func (o *Option) read(f field, envPrefix string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	t := f.tags
	o.Help, o.Group, o.Placeholder, o.Hidden = t.get("help"), f.above.group, t.get("placeholder"), t.has("hidden")
	o.Former, o.envPrefix = t.words("aliases", ""), envPrefix
	o.Env = o.variable(o.Name)
	o.Unit, o.Change, o.Required = t.get("unit"), t.get("change"), t.has("required")
	o.Identity, o.Discover = t.has("identity"), t.has("discover")
	o.XOR, o.AND = t.words("xor", f.above.xorPrefix), t.words("and", f.above.xorPrefix)
	o.Pattern, o.Form = t.get("pattern"), t.get("form")
	o.goType, o.target = f.value.Type(), f.value
	if o.sep, err = t.separator("sep", ','); err != nil {
		return err
	}
	if o.mapSep, err = t.separator("mapsep", ';'); err != nil {
		return err
	}
	if err := o.readType(); err != nil {
		return err
	}
	if o.Deprecation, err = readDeprecation(t.get); err != nil {
		return err
	}
	if err := o.readBounds(t.get("min"), t.get("max"), t.get("maxlen")); err != nil {
		return err
	}
	for word := range strings.SplitSeq(t.get("enum"), ",") {
		if word = strings.TrimSpace(word); word != "" {
			o.Enum = append(o.Enum, word)
		}
	}
	switch o.Change {
	case "", "static", "config", "stream":
	default:
		return fmt.Errorf(`change:%q is not static, config or stream`, o.Change)
	}
	if text := t.get("default"); text != "" {
		if o.Secret {
			return errors.New("a secret has no default")
		}
		o.defaultStr = text
		if o.Default, err = o.fromTexts([]string{text}); err != nil {
			return fmt.Errorf("default: %w", err)
		}
	}
	return nil
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	grammarType  = reflect.TypeFor[Grammar]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// readType derives Kind, Elem, Type and the pattern from the Go type of the field.
func (o *Option) readType() (err error) {
	t := o.goType
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice {
		o.Kind = Array
		o.Elem, err = o.scalar(t.Elem())
		return err
	}
	if t.Kind() == reflect.Map {
		if t.Key().Kind() != reflect.String || t.Elem().Kind() != reflect.String {
			return fmt.Errorf("type %s is not supported: a map option is a map[string]string", t)
		}
		o.Kind = Object
		return nil
	}
	o.Kind, err = o.scalar(t)
	return err
}

func (o *Option) scalar(t reflect.Type) (Kind, error) {
	switch {
	case t == secretType:
		o.Secret = true
		return String, nil
	case t == durationType:
		o.Type, o.Pattern, o.Example = "duration", durationPattern, "1m30s"
		return String, nil
	case t.Implements(grammarType) && reflect.PointerTo(t).Implements(textType):
		o.Type, o.Pattern, o.Example = reflect.Zero(t).Interface().(Grammar).OptionType()
		return String, nil
	}
	switch t.Kind() {
	case reflect.String:
		return String, nil
	case reflect.Bool:
		return Boolean, nil
	case reflect.Int, reflect.Int64:
		o.Min, o.Max = big.NewRat(-MaxInteger, 1), big.NewRat(MaxInteger, 1)
		return Integer, nil
	case reflect.Float64:
		return Number, nil
	}
	return "", fmt.Errorf("type %s is not supported: use string, bool, int, int64, float64, time.Duration, Secret, Size, URL,"+
		" a slice of these, or map[string]string", t)
}

// readBounds applies the min, max and maxlen tags.
func (o *Option) readBounds(minTag, maxTag, maxLen string) error {
	kind := o.Kind
	if kind == Array {
		kind = o.Elem
	}
	switch {
	case kind == Integer || kind == Number:
		for _, b := range []struct {
			tag string
			dst **big.Rat
		}{{minTag, &o.Min}, {maxTag, &o.Max}} {
			if b.tag == "" {
				continue
			}
			r, ok := new(big.Rat).SetString(b.tag)
			if !ok {
				return fmt.Errorf("bound %q is not a number", b.tag)
			}
			*b.dst = r
		}
		if kind == Number && (o.Min == nil || o.Max == nil) {
			return fmt.Errorf("a float64 needs both a min and a max tag")
		}
	case o.Type == "duration" && maxTag == "" && (minTag == "" || minTag == "0s" || minTag == "1ns"):
		// A pattern can say "not negative" and "positive", but no other bound.
		if minTag != "" {
			o.Pattern = "^" + durationMagnitude + "$"
		}
		if minTag == "1ns" {
			o.Min = big.NewRat(1, 1)
		}
	case o.Type == "size" && minTag == "1B" && maxTag == "":
		o.Min = big.NewRat(1, 1)
	case minTag != "" || maxTag != "":
		return fmt.Errorf(`min and max go with numbers; a duration takes min:"0s" or min:"1ns" only, a size min:"1B"`)
	}
	if maxLen != "" {
		n, err := strconv.Atoi(maxLen)
		if err != nil || kind != String {
			return fmt.Errorf("maxlen %q needs a whole number and a string", maxLen)
		}
		o.MaxLength = n
	}
	if o.Pattern != "" && o.Type == "" && o.Form == "" {
		return fmt.Errorf(`a pattern needs a form tag that says in words what it asks for, such as form:"a name in small letters"`)
	}
	if o.Pattern != "" {
		if kind != String {
			return fmt.Errorf("a pattern goes with text only")
		}
	}
	return nil
}

// IsBool reports whether the option is a flag that needs no value.
func (o *Option) IsBool() bool { return o.Kind == Boolean }

// positive reports whether a duration or a size must be more than zero.
func (o *Option) positive() bool { return (o.Type == "duration" || o.Type == "size") && o.Min != nil }

// typedEnum returns the allowed values in their JSON form.
func (o *Option) typedEnum() []any {
	kind := o.Kind
	if kind == Array {
		kind = o.Elem
	}
	out := make([]any, len(o.Enum))
	for i, word := range o.Enum {
		out[i] = word
		if kind == Integer || kind == Number {
			out[i] = json.Number(word)
		}
	}
	return out
}

// scalarGoType is the Go type of the value, or of its elements.
func (o *Option) scalarGoType() reflect.Type {
	t := o.goType
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}
