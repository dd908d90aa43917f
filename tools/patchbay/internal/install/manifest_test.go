package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManifestProblems(t *testing.T) {
	base := map[string]any{"name": "x", "source": "Local", "uri": "there", "command": "./x"}
	tests := []struct {
		name string
		with map[string]any
		err  string
	}{
		{"good", nil, ""},
		{"unknown key", map[string]any{"instal_command": "x"}, "instal_command: unknown key; did you mean install_command?"},
		{"type", map[string]any{"name": 1}, "name: expected text"},
		{"null", map[string]any{"name": nil}, "name: expected text"},
		{"missing", map[string]any{"command": ""}, "command: the manifest needs it"},
		{"source", map[string]any{"source": "FTP"}, "source: FTP is none of HTTP, VCS, Local"},
		{"plain HTTP", map[string]any{"source": "HTTP", "uri": "http://example.com/x"}, "pin it with digest"},
		{"no HTTP", map[string]any{"source": "HTTP", "uri": "file:///x"}, "needs one that starts with https://"},
		{"flag for git", map[string]any{"source": "VCS", "uri": "--upload-pack=x"}, "needs the address of a git repository"},
		{"program for git", map[string]any{"source": "VCS", "uri": "ext::sh -c x"}, "needs the address of a git repository"},
		{"password", map[string]any{"source": "VCS", "uri": "https://me:hunter2@example.com/x"}, "uri: it holds a password"},
		{"digest", map[string]any{"source": "HTTP", "uri": "https://example.com", "digest": "sha256:00"}, "digest: write sha256:"},
		{"branch", map[string]any{"source": "VCS", "uri": "https://example.com", "digest": "commit:main"}, "digest: write commit:"},
		{"local digest", map[string]any{"digest": "sha256:00"}, "digest: a folder of this machine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			members := map[string]any{}
			for _, m := range []map[string]any{base, tt.with} {
				for key, value := range m {
					members[key] = value
				}
			}
			data, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "m.json")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := ReadManifest(path)
			if tt.err == "" {
				if err != nil || m.URI != filepath.Join(filepath.Dir(path), "there") {
					t.Errorf("ReadManifest returned %v, %v", m, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hunter2") || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("ReadManifest returned %v, want %q", err, tt.err)
			}
		})
	}
	for _, name := range []string{"", "..", ".x", "a/b", "a\nb"} {
		r := newRig(t)
		if err := r.Install(t.Context(), &Manifest{Name: name, Source: "Local", URI: "/", Command: "x"}, false); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
}
