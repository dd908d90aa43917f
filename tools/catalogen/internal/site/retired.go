package site

import (
	"fmt"
	"slices"
)

// A retiredPage is the data of the page of a connector that left the catalog.
type retiredPage struct {
	shell
	Retired
	Instead link // empty where nothing takes its place
}

// renderRetired adds the page and the documents of a retired connector, where its page was while it was there.
func (s *site) renderRetired(r Retired) error {
	if !safeName.MatchString(r.Name) {
		return fmt.Errorf("the name %q is not lower-case words joined by hyphens", r.Name)
	}
	if slices.ContainsFunc(s.connectors, func(c Connector) bool { return c.Entry.Name == r.Name }) {
		return fmt.Errorf("it is retired and still there")
	}
	folder := "connectors/" + r.Name + "/"
	page := retiredPage{shell: s.shell(folder+"index.html", r.Name, r.Name+" is retired."), Retired: r}
	if r.Replacement != "none" {
		page.Instead = s.replacement(page.Root, r.Replacement)
	}
	for _, doc := range r.Documents {
		if !safeVersion.MatchString(doc.Version) {
			return fmt.Errorf("%q is no semantic version", doc.Version)
		}
		if err := s.addJSON(folder+doc.Version+".json", doc); err != nil {
			return err
		}
	}
	return s.addPage(folder+"index.html", "retired.html.tmpl", page)
}
