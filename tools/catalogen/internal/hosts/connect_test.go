package hosts

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestConnectFiles(t *testing.T) {
	for _, name := range []string{"sample-source", "sample-sink"} {
		doc := document(t, name)
		files, err := connectFiles(&doc, read(t, doc))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != 1 {
			t.Fatalf("the files are %v", slices.Sorted(maps.Keys(files)))
		}
		for file, text := range files {
			golden(t, "connect-"+path.Base(path.Dir(file))+"-"+path.Base(file), text)
		}
	}
	runtime, err := connectRuntime(runtimeImage, runtimeVersion)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "connect-runtime.yml", runtime["connect/.connect/runtime.yml"])
}

func TestTheRuntimeHasTheVersionOfTheTool(t *testing.T) {
	text, err := os.ReadFile("../../../patchbay/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `const version = "`+runtimeVersion+`"`) {
		t.Errorf("the tool is not of version %s", runtimeVersion)
	}
}
