package options

import (
	"reflect"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

func TestNamesAreThoseOfKong(t *testing.T) {
	for _, name := range []string{
		"Topic", "PageSize", "CAFile", "CA", "HTTP2Port", "MaxIdleConns", "A", "AB", "ABc", "X509Cert", "Sha256", "GL11Version", "URLs",
		"Über", "KeyÄndern", "Snake_Case", "T1", "BFG9000",
	} {
		t.Run(name, func(t *testing.T) {
			s := reflect.New(reflect.StructOf([]reflect.StructField{{Name: name, Type: reflect.TypeFor[string]()}}))
			k, err := kong.New(s.Interface(), kong.NoDefaultHelp())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := dashed(name), k.Model.Flags[0].Name; got != want {
				t.Errorf("name = %s, want %s", got, want)
			}
		})
	}
}

func TestTagsAreThosePairsThatReflectFinds(t *testing.T) {
	const text = `help:"A \"b\", and c:\"d\"." default:"" pattern:"^\\d+$"   xor:"a, b c" sep:";"`
	ts, err := readTags(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"help", "default", "pattern", "xor", "sep", "none"} {
		value, ok := reflect.StructTag(text).Lookup(key)
		if got, has := ts.lookup(key); got != value || has != ok {
			t.Errorf("%s = %q, %v; want %q, %v", key, got, has, value, ok)
		}
	}
	if diff := cmp.Diff([]string{"p-a", "p-b", "p-c"}, ts.words("xor", "p-")); diff != "" {
		t.Error(diff)
	}
}

func TestATagOfAnotherFormIsRefused(t *testing.T) {
	for _, text := range []reflect.StructTag{`help`, `help:A`, `help:"A`, `help:"\q"`, `:"A"`, `help :"A"`, `help:"A" x`} {
		if ts, err := readTags(text); err == nil {
			t.Errorf("%s was read as %v", text, ts)
		}
	}
}

type embedded struct {
	Size int `help:"A." xor:"x"`
}

// Embedded is exported, so that a pointer to it can be embedded as Go does.
type Embedded struct {
	Deep string `help:"A."`
}

func TestEmbeddedFieldsHaveWhatIsAboveThem(t *testing.T) {
	own := &struct {
		embedded
		*Embedded
		Page struct {
			embedded `prefix:"max-"`
			Start    string `help:"A." group:"Own"`
		} `embed:"" prefix:"page-" xorprefix:"p-" group:"Pages"`
		Left    chan int `kong:"-"`
		private chan int
	}{}
	_ = own.private
	m, err := New(Config{Name: "x-source", Own: own, Shared: &struct{}{}, Control: &kitchenControl{}})
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Name, Group string
		XOR         []string
	}
	var got []seen
	for _, o := range m.Options {
		got = append(got, seen{o.Name, o.Group, o.XOR})
	}
	want := []seen{
		{"size", "Options", []string{"x"}},
		{"deep", "Options", []string{}},
		{"page-max-size", "Pages", []string{"p-x"}},
		{"page-start", "Own", []string{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if own.Embedded == nil {
		t.Error("nothing was made for the embedded pointer")
	}
}
