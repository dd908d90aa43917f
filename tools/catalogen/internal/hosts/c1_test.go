package hosts

import "testing"

func TestC1Files(t *testing.T) {
	source, sink := document(t, "sample-source"), document(t, "sample-sink")
	files, err := c1Files(&source)
	if err != nil || len(files) != 1 {
		t.Fatalf("c1Files returned %v, %v", files, err)
	}
	golden(t, "c1-sample-source.json", files["c1/sample-source.json"])
	if files, err := c1Files(&sink); err != nil || len(files) > 0 {
		t.Errorf("a sink gave %v, %v", files, err)
	}
}
