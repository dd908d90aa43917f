package options

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tags are the pairs of a struct tag, in their order. They are few, so that to look one up is to walk over them.
type tags []tag

type tag struct{ key, value string }

// readTags takes a struct tag apart, which reflect would do anew for each key. The form is that of reflect.StructTag.
func readTags(text reflect.StructTag) (tags, error) {
	var all tags
	for rest := strings.TrimLeft(string(text), " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, after, _ := strings.Cut(rest, ":")
		quoted, err := strconv.QuotedPrefix(after)
		if err != nil || key == "" || strings.ContainsAny(key, "\" \t\n") {
			return nil, fmt.Errorf(`the tag %s is not made of pairs key:"value" with one space between them`, rest)
		}
		value, _ := strconv.Unquote(quoted) // it is quoted
		all = append(all, tag{key, value})
		rest = after[len(quoted):]
	}
	return all, nil
}

// get returns the value of a key, or "".
func (ts tags) get(key string) string {
	value, _ := ts.lookup(key)
	return value
}

// has reports whether there is such a key, whatever its value.
func (ts tags) has(key string) bool {
	_, ok := ts.lookup(key)
	return ok
}

func (ts tags) lookup(key string) (string, bool) {
	for _, t := range ts {
		if t.key == key {
			return t.value, true
		}
	}
	return "", false
}

// words returns the words of a value that commas or spaces separate, each behind the prefix.
func (ts tags) words(key, prefix string) []string {
	words := strings.FieldsFunc(ts.get(key), func(r rune) bool { return r == ',' || r == ' ' })
	for i := range words {
		words[i] = prefix + words[i]
	}
	return words
}

// separator returns the character that a tag names, or -1 for none.
func (ts tags) separator(key string, otherwise rune) (rune, error) {
	switch value := ts.get(key); {
	case value == "":
		return otherwise, nil
	case value == "none":
		return -1, nil
	case utf8.RuneCountInString(value) == 1:
		r, _ := utf8.DecodeRuneInString(value)
		return r, nil
	default:
		return 0, fmt.Errorf("%s:%q is neither one character nor none", key, value)
	}
}
