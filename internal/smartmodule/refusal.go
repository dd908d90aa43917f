package smartmodule

import "fmt"

// A refusal is an error that the module itself reports, in good health.
type refusal struct {
	hint string
	code int32
}

// meanings are those of the codes that transforms, init and look_back return (error.rs of Fluvio's fluvio-smartmodule).
var meanings = map[int32]string{
	-1: "unknown error", -10: "it cannot read its parameters", -11: "it cannot read its input", -22: "it cannot read the records",
	-33: "it cannot encode its answer", -44: "it cannot read its parameters", -55: "it cannot join",
	-66: "it cannot read its input", -77: "it cannot read the records", -88: "it cannot encode its answer",
}

// Error quotes the module.
func (e *refusal) Error() string {
	switch {
	case e.hint != "":
		return "the module says: " + e.hint
	case e.code == 0:
		return "the module reports an error without a text"
	}
	if meaning, ok := meanings[e.code]; ok {
		return fmt.Sprintf("the module returned %d: %s", e.code, meaning)
	}
	return fmt.Sprintf("the module returned %d", e.code)
}

var _ error = (*refusal)(nil)
