package connect

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

func TestNumbersAreReadByEachNameOfTheirOption(t *testing.T) {
	known := connector.ReadOptions(json.RawMessage(`{"properties": {"max-rate": {"type": "number", "x-aliases": ["old-rate"]}, "title": {"type": "string"}}}`))
	options := map[string]any{"max_rate": "0.5", "old_rate": " 2 ", "title": "3", "unknown": "4"}
	readNumbers(options, known)
	want := map[string]any{"max_rate": json.Number("0.5"), "old_rate": json.Number("2"), "title": "3", "unknown": "4"}
	if diff := cmp.Diff(want, options); diff != "" {
		t.Error(diff)
	}
}
