package common

import (
	"context"
	"errors"
	"fmt"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// Info describes a connector beyond its options. Name, Version, Description and Category must be set.
type Info struct {
	// Name is the connector's name, the same as its folder's, ending in -source or -sink.
	Name string
	// Version is a semantic version, written as a literal: it is the one place that the gate edits.
	Version string
	// Description says in one sentence what the connector does, ending in a full stop.
	Description string
	// Category is the shelf in the catalog, such as "Web", "Files", "Databases", "Messaging" or "Testing".
	Category string
	// Stability is what a user may expect; empty means Experimental.
	Stability metadata.Stability
	// Deprecation is required when Stability is Deprecated.
	Deprecation *metadata.Deprecation
	// License is an SPDX identifier; empty means Apache-2.0.
	License string
	// Resumes says that a source continues where it stopped: its records carry positions.
	Resumes bool
	// PositionsRecur says that the same position may name different records over time, as an ETag may. Ids are derived from
	// positions only where they never recur.
	PositionsRecur bool
	// Record is a value of the Go type that describes a payload as JSON: what a source emits or a sink accepts. nil means any
	// bytes.
	Record any
	// Checks lists in words what Validate checks beyond what the schema can say.
	Checks []string
	// Examples are command lines to show, without the program's name. Each must be complete and valid.
	Examples []Example
}

// complete tells which of the fields that must be set are not.
func (i Info) complete() error {
	var errs []error
	for _, field := range [][2]string{{"Name", i.Name}, {"Version", i.Version}, {"Description", i.Description}, {"Category", i.Category}} {
		if field[1] == "" {
			errs = append(errs, fmt.Errorf("common.Info: %s is empty; every connector has one", field[0]))
		}
	}
	return errors.Join(errs...)
}

// An Example is a command line to copy.
type Example struct {
	// Title says what the example does, as a short sentence.
	Title string
	// Args are the arguments, one element each.
	Args []string
}

// A Validator is an options struct that checks more than its tags can say. Validate gets the parsed options; it must not
// block or touch the network. Errors made by Invalid name their option.
type Validator interface{ Validate() error }

// A Checker is an options struct that can test its connection. Check connects, changes nothing, and says what is wrong.
type Checker interface {
	Check(ctx context.Context) error
}
