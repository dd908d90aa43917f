package site

import "slices"

// A change is one difference between the options of two versions.
type change struct {
	Kind string // added, removed, or what about the option is different
	Name string
	Was  string
	Is   string
}

// changes lists how the options of a version differ from those of the one before.
func changes(before, after []option) []change {
	var list []change
	before, after = shownOptions(before), shownOptions(after)
	for _, o := range after {
		i := slices.IndexFunc(before, func(b option) bool { return b.Name == o.Name })
		if i < 0 {
			list = append(list, change{Kind: "added", Name: o.Name})
			continue
		}
		list = append(list, differences(before[i], o)...)
	}
	for _, o := range before {
		if !slices.ContainsFunc(after, func(a option) bool { return a.Name == o.Name }) {
			list = append(list, change{Kind: "removed", Name: o.Name})
		}
	}
	return list
}

func shownOptions(options []option) []option {
	return slices.DeleteFunc(slices.Clone(options), func(o option) bool { return o.hidden })
}

func differences(before, after option) []change {
	var list []change
	compare := func(kind, was, is string) {
		if was != is {
			list = append(list, change{Kind: kind, Name: after.Name, Was: was, Is: is})
		}
	}
	compare("type", before.Type, after.Type)
	compare("default", shownDefault(before), shownDefault(after))
	compare("range", shown(before.Range), shown(after.Range))
	compare("values", joined(before.Allowed), joined(after.Allowed))
	compare("required", yesNo(before.Required), yesNo(after.Required))
	compare("secret", yesNo(before.Secret), yesNo(after.Secret))
	return list
}
