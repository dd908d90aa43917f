package options

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// A field of an options struct, or of one that is embedded in it.
type field struct {
	name  string // of the flag
	tags  tags
	value reflect.Value // of the field itself
	above above
}

// above is what a field has from the structs that it is embedded in.
type above struct{ group, prefix, xorPrefix string }

// foreign are the tags of kong that options do not have, with what to write instead.
var foreign = map[string]string{
	"env":       "the variable is derived from the name",
	"envprefix": "the variable is derived from the name",
	"short":     "an option has one spelling",
	"negatable": "--flag=false turns an option off",
	"type":      "the type of the field decides",
	"optional":  "an option is optional unless it is required",
	"lastwins":  "of the same flag the last one counts",
	"arg":       "an option is a flag",
	"cmd":       "an option is a flag",
}

// fieldsOf returns the fields of a struct that are options, in its order, and what is wrong with others. Structs that are
// embedded by the embed tag, or as Go embeds them, give their own fields; what kong:"-" marks and what is not exported is left
// out.
func fieldsOf(v reflect.Value, a above) (fields []field, errs []error) {
	for i := range v.NumField() {
		sf, fv := v.Type().Field(i), v.Field(i)
		ts, err := readTags(sf.Tag)
		embedded := sf.Anonymous || ts.has("embed")
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("field %s: %w", sf.Name, err))
		case ts.get("kong") == "-":
		case embedded:
			if fv.Kind() == reflect.Pointer && fv.CanSet() {
				fv.Set(reflect.New(fv.Type().Elem()))
				fv = fv.Elem()
			}
			if fv.Kind() != reflect.Struct {
				errs = append(errs, fmt.Errorf("field %s: type %s cannot be embedded: only a struct can, or a pointer to one", sf.Name, fv.Type()))
				continue
			}
			below, more := fieldsOf(fv, a.below(ts))
			fields, errs = append(fields, below...), append(errs, more...)
		case fv.CanSet():
			fields = append(fields, field{a.prefix + name(sf.Name, ts), ts, fv, a.below(ts)})
		case ts.has("help"): // the author means it to be one
			errs = append(errs, fmt.Errorf("field %s: it has tags and is no option; write %s", sf.Name, strings.ToUpper(sf.Name[:1])+sf.Name[1:]))
		}
	}
	return fields, errs
}

// below is what the fields of a field have from it.
func (a above) below(ts tags) above {
	if group := ts.get("group"); group != "" {
		a.group = group
	}
	return above{a.group, a.prefix + ts.get("prefix"), a.xorPrefix + ts.get("xorprefix")}
}

// name is what the name tag says, else the words of the field's name, with a dash between them.
func name(fieldName string, ts tags) string {
	if given := ts.get("name"); given != "" {
		return given
	}
	return dashed(fieldName)
}

// dashed writes a Go name as a flag: PageSize is page-size, CAFile ca-file, HTTP2Port http-2-port.
func dashed(goName string) string {
	var b strings.Builder
	runes := []rune(goName)
	for i, r := range runes {
		if i > 0 {
			before := runes[i-1]
			begins := kindOf(r) != kindOf(before) && !(kindOf(before) == 'A' && kindOf(r) == 'a') // Page, then Size
			// Of capitals in a row, the last one begins a word that goes on in small letters: CA, then File.
			ends := kindOf(before) == 'A' && kindOf(r) == 'A' && i+1 < len(runes) && kindOf(runes[i+1]) == 'a'
			if begins || ends {
				b.WriteByte('-')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// kindOf tells capitals, small letters, digits and everything else apart.
func kindOf(r rune) rune {
	switch {
	case unicode.IsUpper(r):
		return 'A'
	case unicode.IsLower(r):
		return 'a'
	case unicode.IsDigit(r):
		return '0'
	}
	return '_'
}

// check refuses tags that promise what is not kept.
func (f field) check() error {
	for _, t := range f.tags {
		if instead, ok := foreign[t.key]; ok {
			return fmt.Errorf("remove the %s tag: %s", t.key, instead)
		}
	}
	k := f.value.Kind()
	scalar := k != reflect.Slice && k != reflect.Map && k != reflect.Pointer
	if f.tags.get("enum") != "" && scalar && !f.tags.has("required") && !f.tags.has("default") {
		return errors.New("an enum needs a default tag, or a required tag")
	}
	return nil
}
