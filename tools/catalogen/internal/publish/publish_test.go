package publish

import (
	"strings"
	"sync"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// A collector keeps the files that are put.
type collector struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (c *collector) put(path string, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = map[string][]byte{}
	}
	c.files[path] = text
}

func TestReadmesWithoutAPlaceForTheBlockSayHowToMakeOne(t *testing.T) {
	begin, end := readme.Begin(readme.Options)+"\n", readme.End(readme.Options)+"\n"
	tests := []struct{ name, text, fix string }{
		{"no block", "# x\n", "add these two lines where the options belong"},
		{"two blocks", begin + end + begin + end, "keep just one pair"},
		{"the wrong way round", end + begin, "keep just one pair"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readme.Replace([]byte(tt.text), readme.Options, nil)
			if err == nil {
				t.Fatal("the block has a place")
			}
			if got := ReadmeBlock("a-source", "README.md", readme.Options, err); !strings.HasPrefix(got.Fix, tt.fix) {
				t.Errorf("fix %q, want %q", got.Fix, tt.fix)
			}
		})
	}
}

// Where the history does not tell what is released, what is in the tree is kept and holds nobody up.
func TestDocumentsOfAnUnknownBaselineAreKept(t *testing.T) {
	const fresh = `{"name": "a-source", "version": "0.1.0", "schema": {"properties": {}}}`
	c := Connector{
		Folder:   discover.Folder{Name: "a-source", Path: "connectors/sources/a-source"},
		Document: metadata.Document{Name: "a-source", Version: "0.1.0", Schema: []byte(`{"properties": {}}`)},
		Text:     []byte(fresh), Readme: []byte(readme.Begin(readme.Options) + "\n" + readme.End(readme.Options) + "\n"),
	}
	higher := `{"name": "a-source", "version": "0.2.0", "schema": {"properties": {}}}`
	base := baseline.Baseline{Unknown: true, Documents: map[string]map[string][]byte{
		"a-source": {"0.1.0": []byte("old"), "0.2.0": []byte(higher)},
	}}
	var got collector
	m := &made{put: got.put, paths: map[string]bool{}, readmes: map[string][]byte{}}
	p, err := m.assemble(c, base)
	if err != nil || len(p.findings) > 0 {
		t.Fatalf("findings %v, error %v", p.findings, err)
	}
	for path, want := range map[string]string{"connectors/a-source/0.1.0.json": fresh, "connectors/a-source/0.2.0.json": higher} {
		if got := string(got.files[path]); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	base.Documents["a-source"]["0.3.0"] = []byte(higher)
	if _, err := m.assemble(c, base); err == nil || !strings.Contains(err.Error(), "catalog/connectors/a-source/0.3.0.json is not the metadata of that version") {
		t.Errorf("a document under another's name: %v", err)
	}
}
