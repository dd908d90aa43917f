package outcome

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// github writes workflow commands, which a pull request shows beside its files: an error for whatever has to be mended, and
// a notice for each change.
func (o Outcome) github(w io.Writer) error {
	var b bytes.Buffer
	for _, f := range o.Findings {
		message := f.Message
		if f.Fix != "" {
			message += "\nfix: " + f.Fix
		}
		if f.Connector != "" {
			message = f.Connector + " " + f.Where + ": " + message
		}
		annotate(&b, "error", o.place(f), f.Rule, message)
	}
	for _, s := range o.Stale {
		annotate(&b, "error", s.Path, "catalog-stale", s.Path+" "+s.Kind+"\nfix: make catalog, then commit what changed")
	}
	for _, g := range o.groups() {
		place := ""
		if len(g.connectors) == 1 {
			place = g.connectors[0].Folder.Path
		}
		annotate(&b, "notice", place, title(g.change), g.names()+": "+sentence(g.change))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func title(c change.Change) string { return c.Rule.ID + " (" + c.Rule.Bump.String() + ")" }

// sentence tells a change in full, with its rule's page.
func sentence(c change.Change) string {
	whole := func(text string) string { return text }
	return strings.TrimSpace(c.Place+" "+step(c, whole)) + "\n" + c.Rule.Explanation + "\n" + Page(c.Rule.ID)
}

// The runner reads a command up to the end of its line, and its properties up to a comma or a colon.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// annotate writes one command. The place is path:line, a path, or empty.
func annotate(b *bytes.Buffer, level, place, title, message string) {
	properties := "title=" + property.Replace(title)
	if path, line, ok := strings.Cut(place, ":"); ok {
		properties = "file=" + property.Replace(path) + ",line=" + property.Replace(line) + "," + properties
	} else if place != "" {
		properties = "file=" + property.Replace(place) + "," + properties
	}
	fmt.Fprintf(b, "::%s %s::%s\n", level, properties, data.Replace(finding.Printable(message)))
}
