package install

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
)

// Where a connector comes from, as manifests call it.
const (
	fromHTTP  = "HTTP"
	fromVCS   = "VCS"
	fromLocal = "Local"
)

// A Manifest is the install manifest of a c1 connector. Digest is an addition of ours, which c1 hosts ignore.
type Manifest struct {
	Name           string `json:"name"` // a default; the user may choose another
	Description    string `json:"description,omitempty"`
	Source         string `json:"source"` // HTTP, VCS or Local
	URI            string `json:"uri"`    // an archive or a file; a git repository; a folder or a file
	InstallCommand string `json:"install_command,omitempty"`
	UpdateCommand  string `json:"update_command,omitempty"`
	Command        string `json:"command"`          // starts the connector; run by sh -c from the root of what was fetched
	Digest         string `json:"digest,omitempty"` // sha256:HEX of what HTTP fetches, or commit:HEX of a VCS
}

// keys are those of a manifest.
var keys = []string{"name", "description", "source", "uri", "install_command", "update_command", "command", "digest"}

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 20

// nameForm is that of a name, which is also that of a folder.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$`)

// ReadManifest reads the manifest at path and says everything that is wrong with it. A Local uri becomes absolute: it
// starts from the folder of the manifest.
func ReadManifest(path string) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	switch err := json.Unmarshal(data, &members); {
	case len(data) > maxManifest:
		return nil, fmt.Errorf("%s: a manifest has at most %d bytes", path, maxManifest)
	case err != nil:
		return nil, fmt.Errorf("%s is no JSON object: %w", path, err)
	}
	m := &Manifest{}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(members)) {
		text := m.member(key)
		if text == nil {
			fix := "the keys are " + strings.Join(keys, ", ")
			if nearest := config.Nearest(key, keys); nearest != "" {
				fix = "did you mean " + nearest + "?"
			}
			problems = append(problems, fmt.Errorf("%s: %s: unknown key; %s", path, key, fix))
			continue
		}
		if string(members[key]) == "null" || json.Unmarshal(members[key], text) != nil {
			problems = append(problems, fmt.Errorf("%s: %s: expected text", path, key))
		}
	}
	if len(problems) == 0 {
		for _, problem := range m.check(filepath.Dir(path)) {
			problems = append(problems, fmt.Errorf("%s: %w", path, problem))
		}
	}
	return m, errors.Join(problems...)
}

// member is the field of a key, or nil.
func (m *Manifest) member(key string) *string {
	return map[string]*string{
		"name": &m.Name, "description": &m.Description, "source": &m.Source, "uri": &m.URI,
		"install_command": &m.InstallCommand, "update_command": &m.UpdateCommand, "command": &m.Command, "digest": &m.Digest,
	}[key]
}

// check returns what is wrong.
func (m *Manifest) check(dir string) (problems []error) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, key := range keys {
		text := *m.member(key)
		if text == "" && slices.Contains([]string{"name", "source", "uri", "command"}, key) {
			wrong("%s: the manifest needs it", key)
		}
		if strings.ContainsRune(text, 0) {
			wrong("%s: it holds a NUL", key)
		}
	}
	if m.URI == "" {
		return problems
	}
	if u, err := url.Parse(m.URI); err == nil && m.Source != fromLocal {
		if _, set := u.User.Password(); set {
			wrong("uri: it holds a password, which everybody could read; take it out, and let git know it by a credential helper")
		}
	}
	switch m.Source {
	case fromHTTP:
		u, err := url.Parse(m.URI)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			wrong("uri: HTTP needs one that starts with https:// or http://")
		} else if u.Scheme == "http" && m.Digest == "" {
			wrong("uri: anybody on the way can change what http:// fetches; use https://, or pin it with digest: sha256:HEX")
		}
	case fromVCS:
		if strings.HasPrefix(m.URI, "-") || strings.Contains(m.URI, "::") {
			wrong("uri: VCS needs the address of a git repository")
		}
	case fromLocal:
		path := strings.TrimPrefix(m.URI, "file://")
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			wrong("uri: %v", err)
		}
		m.URI = path
	case "":
	default:
		wrong("source: %s is none of HTTP, VCS, Local", m.Source)
	}
	if _, err := m.digest(); err != nil {
		wrong("digest: %w", err)
	}
	return problems
}

// update is the command that brings the connector up to date in place; empty if there is none. A digest leaves it out, because it
// decides for itself what it fetches.
func (m *Manifest) update() string {
	if m.Digest != "" {
		return ""
	}
	return m.UpdateCommand
}

// digest returns the hexadecimal digits of the pin, in lower case; empty if there is none.
func (m *Manifest) digest() (string, error) {
	if m.Digest == "" {
		return "", nil
	}
	kind, text, _ := strings.Cut(m.Digest, ":")
	bytes, err := hex.DecodeString(text)
	switch {
	case m.Source == fromLocal:
		return "", errors.New("a folder of this machine has none; leave it out")
	case m.Source == fromHTTP && (kind != "sha256" || err != nil || len(bytes) != 32):
		return "", errors.New("write sha256: and 64 hexadecimal digits, as sha256sum prints them")
	case m.Source == fromVCS && (kind != "commit" || err != nil || len(bytes) != 20 && len(bytes) != 32):
		return "", errors.New("write commit: and the whole id of a commit, as git rev-parse HEAD prints it")
	}
	return strings.ToLower(text), nil
}
