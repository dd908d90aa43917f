package outcome

import (
	"io"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
)

// The JSON form, which docs/versions.md describes. Keys may be added to it, and none is renamed or removed.
type (
	jsonOutcome struct {
		OK         bool            `json:"ok"`
		Against    string          `json:"against,omitempty"`
		Note       string          `json:"note,omitempty"`
		Connectors []jsonConnector `json:"connectors"`
		Findings   []jsonFinding   `json:"findings"`
		Stale      []jsonStale     `json:"stale"`
	}
	jsonConnector struct {
		Name     string       `json:"name"`
		Path     string       `json:"path"`
		Released string       `json:"released,omitempty"`
		Version  string       `json:"version"`
		Want     string       `json:"want"`
		Bump     change.Bump  `json:"bump"`
		Places   []string     `json:"places,omitempty"`
		Changes  []jsonChange `json:"changes"`
	}
	jsonChange struct {
		Rule   string      `json:"rule"`
		Bump   change.Bump `json:"bump"`
		Place  string      `json:"place"`
		Option string      `json:"option,omitempty"`
		Shared bool        `json:"shared,omitempty"`
		Old    string      `json:"old,omitempty"`
		New    string      `json:"new,omitempty"`
		Waiver string      `json:"waiver,omitempty"`
		Page   string      `json:"page"`
	}
	jsonFinding struct {
		Connector string `json:"connector,omitempty"`
		Rule      string `json:"rule"`
		Where     string `json:"where,omitempty"`
		Message   string `json:"message"`
		Fix       string `json:"fix,omitempty"`
	}
	jsonStale struct {
		Path string `json:"path"`
		Kind string `json:"kind"`
	}
)

func (o Outcome) json(w io.Writer) error {
	out := jsonOutcome{
		OK: o.OK(), Against: o.Against, Note: o.Note,
		Connectors: []jsonConnector{}, Findings: []jsonFinding{}, Stale: []jsonStale{},
	}
	for _, c := range o.Connectors {
		one := jsonConnector{
			Name: c.Connector, Path: c.Folder.Path, Released: c.Released, Version: c.Version, Want: c.Want,
			Bump: change.Least(c.Changes), Places: c.Places, Changes: []jsonChange{},
		}
		for _, ch := range c.Changes {
			one.Changes = append(one.Changes, jsonChange{
				Rule: ch.Rule.ID, Bump: ch.Rule.Bump, Place: ch.Place, Option: ch.Option, Shared: ch.Shared, Old: ch.Old, New: ch.New,
				Waiver: ch.Waiver, Page: Page(ch.Rule.ID),
			})
		}
		out.Connectors = append(out.Connectors, one)
	}
	for _, f := range o.Findings {
		out.Findings = append(out.Findings, jsonFinding(f))
	}
	for _, s := range o.Stale {
		out.Stale = append(out.Stale, jsonStale(s))
	}
	text, err := pretty.JSON(out)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
