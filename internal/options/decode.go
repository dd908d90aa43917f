package options

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// fromTexts turns what was given on the command line, in the environment or as a default into the JSON form of the value.
// Elements of a list and pairs of a map add up; of anything else, the last one counts.
func (o *Option) fromTexts(texts []string) (any, error) {
	switch o.Kind {
	case Array:
		list := []any{}
		for _, text := range texts {
			for _, part := range kong.SplitEscaped(text, o.sep) {
				v, err := o.scalarFromText(o.Elem, part)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
		}
		return list, nil
	case Object:
		pairs := map[string]any{}
		for _, text := range texts {
			for _, part := range kong.SplitEscaped(text, o.mapSep) {
				key, value, ok := strings.Cut(part, "=")
				if !ok {
					return nil, fmt.Errorf("%s is not a pair; write it like key=value", o.quote(part))
				}
				pairs[key] = value
			}
		}
		return pairs, nil
	}
	return o.scalarFromText(o.Kind, texts[len(texts)-1])
}

func (o *Option) scalarFromText(kind Kind, text string) (any, error) {
	switch kind {
	case Boolean:
		switch strings.ToLower(text) {
		case "true", "yes", "1":
			return true, nil
		case "false", "no", "0":
			return false, nil
		}
		return nil, fmt.Errorf("%s is neither true nor false", o.quote(text))
	case Integer:
		n, ok := new(big.Int).SetString(text, 10)
		if !ok || len(text) > 64 {
			return nil, fmt.Errorf("%s is not a whole number", o.quote(text))
		}
		return json.Number(n.String()), nil
	case Number:
		if !matches(jsonNumber, text) || len(text) > 64 {
			return nil, fmt.Errorf("%s is not a number", o.quote(text))
		}
		return json.Number(text), nil
	}
	return text, nil
}

const jsonNumber = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`

// store checks the JSON form of a value against the option and stores it in dst, which has the option's Go type.
func (o *Option) store(dst reflect.Value, v any) error {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	switch o.Kind {
	case Array:
		return o.storeArray(dst, v)
	case Object:
		return o.storeObject(dst, v)
	}
	return o.storeScalar(o.Kind, dst, v)
}

func (o *Option) storeArray(dst reflect.Value, v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("expected a list, got %s", o.describe(v))
	}
	if o.Required && len(list) == 0 {
		return errors.New("needs at least one element")
	}
	out := reflect.MakeSlice(dst.Type(), len(list), len(list))
	for i, elem := range list {
		if err := o.storeScalar(o.Elem, out.Index(i), elem); err != nil {
			return fmt.Errorf("element %d: %w", i+1, err)
		}
	}
	dst.Set(out)
	return nil
}

func (o *Option) storeObject(dst reflect.Value, v any) error {
	pairs, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("expected a map of names to strings, got %s", o.describe(v))
	}
	if o.Required && len(pairs) == 0 {
		return errors.New("needs at least one pair")
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(pairs))
	keys := make([]string, 0, len(pairs))
	for key := range pairs {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		text, ok := pairs[key].(string)
		if !ok {
			return fmt.Errorf("key %q: expected a string, got %s", key, o.describe(pairs[key]))
		}
		out.SetMapIndex(reflect.ValueOf(key).Convert(dst.Type().Key()), reflect.ValueOf(text).Convert(dst.Type().Elem()))
	}
	dst.Set(out)
	return nil
}

func (o *Option) storeScalar(kind Kind, dst reflect.Value, v any) error {
	switch kind {
	case Boolean:
		b, ok := v.(bool)
		if !ok {
			return fmt.Errorf("expected true or false, got %s", o.describe(v))
		}
		dst.SetBool(b)
		return nil
	case Integer, Number:
		return o.storeNumber(kind, dst, v)
	}
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("expected text, got %s: put it in quotes", o.describe(v))
	}
	return o.storeText(dst, text)
}

func (o *Option) storeNumber(kind Kind, dst reflect.Value, v any) error {
	n, ok := v.(json.Number)
	if !ok {
		return fmt.Errorf("expected a number, got %s", o.describe(v))
	}
	shown := string(n)
	if o.Secret {
		shown = "the value"
	}
	whole, isWhole := integral(n)
	r := new(big.Rat)
	if isWhole {
		r.SetInt(whole)
	} else if kind == Integer {
		return fmt.Errorf("%s is not a whole number within range", shown)
	} else if f, err := strconv.ParseFloat(string(n), 64); err != nil || r.SetFloat64(f) == nil {
		return fmt.Errorf("%s is not a number within range", shown)
	}
	if len(o.Enum) > 0 && !slices.ContainsFunc(o.Enum, func(word string) bool {
		e, ok := new(big.Rat).SetString(word)
		return ok && e.Cmp(r) == 0
	}) {
		return fmt.Errorf("%s is not one of %s", shown, strings.Join(o.Enum, ", "))
	}
	if o.Min != nil && r.Cmp(o.Min) < 0 {
		return fmt.Errorf("%s is less than %s", shown, o.Min.RatString())
	}
	if o.Max != nil && r.Cmp(o.Max) > 0 {
		return fmt.Errorf("%s is more than %s", shown, o.Max.RatString())
	}
	if kind == Integer {
		dst.SetInt(whole.Int64())
		return nil
	}
	f, _ := r.Float64()
	dst.SetFloat(f)
	return nil
}

func (o *Option) storeText(dst reflect.Value, text string) error {
	if !utf8.ValidString(text) {
		return errors.New("the value is not valid UTF-8")
	}
	if o.Required && text == "" {
		return errors.New("must not be empty")
	}
	if len(o.Enum) > 0 && !slices.Contains(o.Enum, text) {
		return fmt.Errorf("%s is not one of %s", o.quote(text), strings.Join(o.Enum, ", "))
	}
	if o.MaxLength > 0 && utf8.RuneCountInString(text) > o.MaxLength {
		return fmt.Errorf("%s is longer than %d characters", o.quote(text), o.MaxLength)
	}
	if o.Pattern != "" && !matches(o.Pattern, text) {
		if o.Type != "" {
			return fmt.Errorf("%s is not a %s; write it like %s", o.quote(text), o.describeType(), o.Example)
		}
		return fmt.Errorf("%s is not %s", o.quote(text), o.Form)
	}
	if o.positive() && !strings.ContainsAny(text, "123456789") { // as the schema says it
		return fmt.Errorf("%s is not more than zero", o.quote(text))
	}
	if dst.Type() == durationType {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s is not a duration; write it like %s", o.quote(text), o.Example)
		}
		dst.SetInt(int64(d))
		return nil
	}
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%s is not a %s; write it like %s", o.quote(text), o.describeType(), o.Example)
		}
		return nil
	}
	dst.SetString(text)
	return nil
}

// describeType names the kind of text that is expected, with the bound that the pattern carries.
func (o *Option) describeType() string {
	switch {
	case o.positive():
		return "positive " + o.Type
	case o.Type == "duration" && o.Pattern != durationPattern:
		return "duration of zero or more"
	case o.Type == "url":
		return "URL starting with http:// or https://, without user information"
	}
	return o.Type
}

// userinfo is what may stand before the host of an address: a name, a password, a token. A wrong one may hold a slash.
var userinfo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`//\S*@`) })

// quote shows a value in a message, shortened, and never a secret's, nor what in an address may be one.
func (o *Option) quote(text string) string {
	if o.Secret {
		return "the value"
	}
	text = userinfo().ReplaceAllString(text, "//xxxxx@")
	if o.Type == "url" {
		if end := strings.IndexAny(text, "?#"); end >= 0 {
			text = text[:end+1] + "…"
		}
		if at := strings.LastIndexByte(text, '@'); at >= 0 && !strings.Contains(text, "//") { // the scheme was forgotten
			text = "xxxxx" + text[at:]
		}
	}
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:77], "") + "..."
	}
	return strconv.Quote(text)
}

// describe names the JSON type of a value, and the value itself where that helps.
func (o *Option) describe(v any) string {
	switch v := v.(type) {
	case string:
		return "the text " + o.quote(v)
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	case json.Number:
		if o.Secret {
			return "a number"
		}
		return "the number " + string(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return "null"
}
