package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// each runs a check over every option in the order of their names; an empty message means that all is well.
func (s Subject) each(check func(name string, o options.Option) (message, fix string)) []finding.Finding {
	var findings []finding.Finding
	for _, o := range s.byName {
		if message, fix := check(o.Name, o); message != "" {
			findings = append(findings, finding.Finding{Where: property(o.Name), Message: message, Fix: fix})
		}
	}
	return findings
}

func optionDescribed(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if strings.TrimSpace(o.Description) == "" {
			return "has no description", "say what it does: in Go, write the tag help:\"...\""
		}
		return "", ""
	})
}

func optionTyped(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if len(o.Type)+len(o.Enum)+len(o.Const)+len(o.OneOf)+len(o.AnyOf) == 0 {
			return "has no type", "say which values it takes"
		}
		if o.Type.Has("null") && !s.foreign() {
			return "may be null", "an option that is not set is left out"
		}
		return "", ""
	})
}

// reserved are flags that every connector has and that are no options.
var reserved = []string{"help", "version", "config", "draft"}

func optionReserved(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if slices.Contains(reserved, name) {
			return "is no option: every connector's command line has a flag of that name", "choose another name, or leave it out of the schema"
		}
		return "", ""
	})
}

// optionAlias refuses a former name that stands for something else, too.
func optionAlias(s Subject) []finding.Finding {
	taken := map[string]bool{}
	for _, name := range slices.Concat(reserved, s.Options.Names()) {
		taken[name] = true
	}
	return s.each(func(_ string, o options.Option) (string, string) {
		for _, alias := range o.Aliases {
			if taken[alias] {
				return fmt.Sprintf("has the former name %q, which is in use, or stands twice", alias), "a former name stands for one option; leave it out"
			}
			taken[alias] = true
		}
		return "", ""
	})
}

func optionEnv(s Subject) []finding.Finding {
	owner := map[string]string{}
	own := strings.ToUpper(strings.ReplaceAll(s.Document.Name, "-", "_")) + "_"
	return s.each(func(name string, o options.Option) (string, string) {
		word := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
		want := own + word
		if o.Shared {
			want = "PATCHBAY_" + word
		}
		switch other, taken := owner[o.Env]; {
		case o.Env == "":
			return "has no environment variable", "add x-env: " + want
		case taken:
			return fmt.Sprintf("shares the environment variable %s with --%s", o.Env, other), "name it " + want
		case o.Env != want:
			owner[o.Env] = name
			return fmt.Sprintf("has the environment variable %s", o.Env), "name it " + want
		}
		owner[o.Env] = name
		return "", ""
	})
}

func optionGroup(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if o.Group == "" {
			return "has no group", "add x-group: the heading under which help shows it"
		}
		return "", ""
	})
}

// optionDeprecated refuses a deprecation that leaves the option's user at a loss.
func optionDeprecated(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		d := o.Deprecation
		if o.Deprecated != (d != nil) {
			return "has only one of deprecated and x-deprecation", "write both: tools know the one, the other says until when and what then"
		}
		if d == nil {
			return "", ""
		}
		if _, err := time.Parse(time.DateOnly, d.Date); err != nil {
			return fmt.Sprintf("is deprecated until %q, which is no day", d.Date), "write it like 2027-01-31"
		}
		if o.Required {
			return "is deprecated and required, so nobody can do without it", "make it optional first"
		}
		if other, ok := s.Options.Get(d.Replacement); d.Replacement != options.NoReplacement && (!ok || other.Deprecation != nil) {
			return fmt.Sprintf("is to be replaced by %q, which is no option that stays", d.Replacement), "name one, or " + options.NoReplacement
		}
		return "", ""
	})
}

func topicRequired(s Subject) []finding.Finding {
	if _, ok := s.Options.Get("topic"); !ok {
		return one("/schema/properties", "there is no topic", "every connector has the option topic")
	}
	if !slices.Contains(s.Options.Required, "topic") {
		return one("/schema/required", "topic is not required", "add it to required")
	}
	return nil
}

func requiredExists(s Subject) []finding.Finding {
	var findings []finding.Finding
	for i, name := range s.Options.Required {
		where := schema.Pointer("schema", "required", fmt.Sprint(i))
		o, ok := s.Options.Get(name)
		switch {
		case !ok:
			findings = append(findings, finding.Finding{Where: where, Message: fmt.Sprintf("%q is no option", name), Fix: "remove it or add the option"})
		case len(o.Default) > 0:
			findings = append(findings, finding.Finding{Where: where, Message: fmt.Sprintf("%q is required and has a default", name), Fix: "keep one of the two"})
		}
	}
	return findings
}

func defaultValid(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if len(o.Default) == 0 {
			return "", ""
		}
		compiled, _ := s.Compiled.Property(name)
		if problems := compiled.ValidateText(o.Default); len(problems) > 0 {
			return fmt.Sprintf("its default %s breaks its own schema: %s", o.Default, short(problems[0].String())), "mend the one that is wrong"
		}
		return "", ""
	})
}

func exampleValid(s Subject) []finding.Finding {
	var findings []finding.Finding
	for i, example := range s.Document.Examples {
		problems := s.Compiled.ValidateText(example.Options)
		if len(problems) == 0 {
			problems = s.misnamed(example.Options)
		}
		for _, p := range problems {
			findings = append(findings, finding.Finding{
				Where:   schema.Pointer("examples", fmt.Sprint(i), "options") + p.Pointer,
				Message: short(p.Message), Fix: fmt.Sprintf("mend the example %q; each must be complete and valid", example.Title),
			})
		}
	}
	if len(s.Document.Examples) == 0 {
		findings = append(findings, finding.Finding{Where: "/examples", Message: "there is no example", Fix: "add one that people can copy"})
	}
	return findings
}

// misnamed finds what an example sets by a name that no option has or had, or sets by two: patterns in the schema may admit both.
func (s Subject) misnamed(example []byte) (problems []schema.Problem) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(example, &values); err != nil {
		return []schema.Problem{{Message: err.Error()}}
	}
	given := map[string]bool{} // by the names that options have now
	for _, name := range slices.Sorted(maps.Keys(values)) {
		o, known := s.Options.Named(name)
		switch {
		case !known:
			problems = append(problems, schema.Problem{Pointer: schema.Pointer(name), Message: "no option has that name"})
		case given[o.Name]:
			problems = append(problems, schema.Problem{Pointer: schema.Pointer(name), Message: "the option is given by another name, too"})
		}
		given[o.Name] = true
	}
	return problems
}
