// Package metadata defines the document that a connector prints when it is asked for its metadata, and the rules that such
// a document must keep. It is a leaf package, shared by connectors and by the tools that read what they print.
package metadata

import "encoding/json"

// Version is the version of the document's own format, written as metadata_version.
const Version = "1"

// Direction says which way records flow through a connector.
type Direction string

const (
	// Source reads a system and publishes records to a topic.
	Source Direction = "source"
	// Sink consumes a topic and writes to a system.
	Sink Direction = "sink"
)

// Stability says what a user may expect of a connector's future.
type Stability string

// The four levels, from the least to the most settled, and the end of life.
const (
	Experimental Stability = "experimental"
	Beta         Stability = "beta"
	Stable       Stability = "stable"
	Deprecated   Stability = "deprecated"
)

// A Document describes one version of one connector. The first five fields are fixed by the field's custom; field order is
// the order in print.
type Document struct {
	Name        string          `json:"name"`
	Direction   Direction       `json:"direction"`
	Version     string          `json:"version"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"` // JSON Schema of the flat options, keyed by flag name

	MetadataVersion string       `json:"metadata_version,omitempty"`
	SDKVersion      string       `json:"sdk_version,omitempty"` // changes only when the shared flags change
	Stability       Stability    `json:"stability,omitempty"`
	Deprecation     *Deprecation `json:"deprecation,omitempty"` // required when Stability is Deprecated
	License         string       `json:"license,omitempty"`     // SPDX identifier
	Category        string       `json:"category,omitempty"`

	Commands       []Command       `json:"commands,omitempty"`
	ExitStatuses   []ExitStatus    `json:"exit_statuses,omitempty"`
	Guarantee      Guarantee       `json:"guarantee,omitempty"`
	Resumes        bool            `json:"resumes,omitempty"`         // a source continues where it stopped
	PositionsRecur bool            `json:"positions_recur,omitempty"` // the same position may name different records over time
	Record         json.RawMessage `json:"record,omitempty"`          // JSON Schema of what a source emits or a sink accepts
	SemanticChecks []string        `json:"semantic_checks,omitempty"` // what the connector checks beyond its schema
	Examples       []Example       `json:"examples,omitempty"`
}

// Guarantee is what delivery promises.
type Guarantee string

// AtLeastOnce means that no record is lost and that some may be delivered twice after a failure.
const AtLeastOnce Guarantee = "at-least-once"

// A Deprecation says until when a deprecated connector is kept, and what to use in its place.
type Deprecation struct {
	Date        string `json:"date"` // YYYY-MM-DD, the first day on which the connector may be gone
	Replacement string `json:"replacement"`
	Note        string `json:"note"` // how to migrate
}

// A Command is a subcommand of the connector's binary.
type Command struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// An ExitStatus gives the meaning of a number with which the binary ends.
type ExitStatus struct {
	Status  int    `json:"status"`
	Meaning string `json:"meaning"`
}

// An Example is a complete, valid set of options, shown as a command line in READMEs and on the site.
type Example struct {
	Title   string          `json:"title"`
	Options json.RawMessage `json:"options"` // flat options, valid against Schema
}
