package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is an installer with an answer.
type rig struct {
	*Installer
	t      *testing.T
	out    bytes.Buffer
	answer bool
	shell  bool // what Confirm was told
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, answer: true}
	r.Installer = &Installer{
		Root: filepath.Join(t.TempDir(), "it's here"), Stdout: &r.out, Stderr: &r.out,
		Confirm: func(_ string, shell bool) (bool, error) { r.shell = shell; return r.answer, nil },
	}
	return r
}

// install installs, and expects a part of an error; none if empty.
func (r *rig) install(m Manifest, update bool, want string) {
	r.t.Helper()
	if m.Name == "" {
		m.Name, m.Command = "x", "cat file"
	}
	err := r.Install(r.t.Context(), &m, update)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		r.t.Fatalf("Install returned %v, want %q; it printed\n%s", err, want, r.out.String())
	}
}

// has checks what a file of the source holds.
func (r *rig) has(name, want string) {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Root, "x", sourceFolder, name))
	if err != nil || string(data) != want {
		r.t.Errorf("%s holds %q, %v, want %q", name, data, err, want)
	}
}

// empty checks that nothing is installed, and nothing left behind.
func (r *rig) empty() {
	r.t.Helper()
	if entries, err := os.ReadDir(r.Root); err == nil && len(entries) > 0 {
		r.t.Errorf("%v is left behind", entries)
	}
}

// folder makes a folder with a file.
func folder(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestALocalFolderIsInstalledAndStarted(t *testing.T) {
	r := newRig(t)
	m := Manifest{Source: "Local", URI: folder(t, "1"), InstallCommand: `cp file 'a b;c'`}
	r.install(m, false, "")
	r.has("file", "1")
	r.has("a b;c", "1") // no shell has seen it
	if r.shell || !strings.Contains(r.out.String(), "cp file 'a b;c'\n") {
		t.Errorf("the plan was\n%s", r.out.String())
	}
	if out, err := exec.Command(r.Launcher("x")).Output(); err != nil || string(out) != "1" {
		t.Errorf("the launcher printed %q, %v", out, err)
	}
	all, err := r.List()
	if err != nil || len(all) != 1 || all[0].Name != "x" || all[0].URI != m.URI {
		t.Errorf("List returned %v, %v", all, err)
	}
	r.install(m, false, "x is installed already")
	if err := r.Remove("x"); err != nil {
		t.Error(err)
	}
	r.empty()
	if err := r.Remove("x"); err == nil {
		t.Error("what is not there was removed")
	}
	r.install(m, true, "x is not installed")
}

func TestNothingHappensUnconfirmed(t *testing.T) {
	r := newRig(t)
	r.answer = false
	r.install(Manifest{Source: "Local", URI: folder(t, "1"), InstallCommand: "touch a && touch b"}, false, "nothing was done")
	r.empty()
	if !r.shell || !strings.Contains(r.out.String(), "sh -c 'touch a && touch b'   (by a shell)") {
		t.Errorf("the plan was\n%s", r.out.String())
	}
}

func TestCommandsThatNeedAShell(t *testing.T) {
	for line, shell := range map[string]bool{
		"make": false, "./configure --x=1": false, "a && b": true, "echo $HOME": true, "bash -c x": true, "/usr/bin/env x": true, "A=1 make": true,
	} {
		s, err := newStep("install", line)
		if err != nil || s.shell != shell {
			t.Errorf("%s: %v, %v", line, s, err)
		}
	}
	if _, err := newStep("install", "make 'x"); err == nil {
		t.Error("an open quote was taken")
	}
}

func TestAFailureLeavesNothing(t *testing.T) {
	r := newRig(t)
	r.install(Manifest{Source: "Local", URI: folder(t, "1"), InstallCommand: "false"}, false, "install: false: exit status 1")
	r.empty()
	r.install(Manifest{Source: "Local", URI: filepath.Join(t.TempDir(), "none")}, false, "no such file")
	r.empty()
	r.install(Manifest{Source: "Local", URI: filepath.Dir(r.Root)}, false, "it holds the folder to install to")
	r.empty()
}

func TestAnUpdateThatFailsLeavesTheOldOne(t *testing.T) {
	r := newRig(t)
	r.install(Manifest{Source: "Local", URI: folder(t, "1")}, false, "")
	r.install(Manifest{Source: "Local", URI: folder(t, "2"), InstallCommand: "false"}, true, "exit status 1")
	r.has("file", "1")
	r.install(Manifest{Source: "Local", URI: folder(t, "2")}, true, "")
	r.has("file", "2")
	r.install(Manifest{Source: "Local", URI: "/", UpdateCommand: "touch updated"}, true, "")
	r.has("updated", "")
	r.has("file", "2")
	r.install(Manifest{Source: "Local", URI: "/", UpdateCommand: "false"}, true, "may be updated by half")
	if entries, err := os.ReadDir(r.Root); err != nil || len(entries) != 1 {
		t.Errorf("there is %v, %v", entries, err)
	}
}

// serve serves one body.
func serve(t *testing.T, body []byte) (address, digest string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		default:
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(s.Close)
	sum := sha256.Sum256(body)
	return s.URL, "sha256:" + hex.EncodeToString(sum[:])
}

func TestHTTPIsPinned(t *testing.T) {
	r := newRig(t)
	address, digest := serve(t, []byte("#!/bin/sh\n"))
	wrong := "sha256:" + strings.Repeat("0", 64)
	r.install(Manifest{Source: "HTTP", URI: address + "/file", Digest: wrong}, false, "its digest is "+digest)
	r.empty()
	r.install(Manifest{Source: "HTTP", URI: address + "/gone", Digest: digest}, false, "404")
	r.empty()
	r.install(Manifest{Source: "HTTP", URI: address + "/file?x=1", Digest: strings.ToUpper(digest[:7]) + digest[7:]}, false, "write sha256:")
	r.install(Manifest{Source: "HTTP", URI: address + "/file?x=1", Digest: digest}, false, "")
	r.has("file", "#!/bin/sh\n")
	if info, err := os.Stat(filepath.Join(r.Root, "x", sourceFolder, "file")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestAnUpdateIsPinned(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{"1", "2"} {
		address, digest := serve(t, []byte(body))
		m := Manifest{Source: "HTTP", URI: address + "/file", Digest: digest, InstallCommand: "cp file built", UpdateCommand: "touch updated"}
		r.install(m, body == "2", "")
		r.has("built", body)
	}
	if _, err := os.Stat(filepath.Join(r.Root, "x", sourceFolder, "updated")); err == nil {
		t.Error("a command decided what is installed")
	}
}

func TestWithoutAPinARedirectStaysEncrypted(t *testing.T) {
	plain, digest := serve(t, []byte("x"))
	s := httptest.NewServer(http.RedirectHandler(plain, http.StatusFound))
	t.Cleanup(s.Close)
	if _, err := get(t.Context(), s.URL, false, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "without https://") {
		t.Errorf("get returned %v", err)
	}
	if sum, err := get(t.Context(), s.URL, true, &bytes.Buffer{}); err != nil || "sha256:"+sum != digest {
		t.Errorf("get returned %s, %v", sum, err)
	}
}

func TestAPlanCannotDriveATerminal(t *testing.T) {
	r := newRig(t)
	r.answer = false
	r.install(Manifest{Name: "x", Command: "c", Description: "\x1b[2Jharmless\rx", Source: "Local", URI: "/x\x1b[1m"}, false, "nothing was done")
	if strings.ContainsAny(r.out.String(), "\x1b\r") {
		t.Errorf("the plan was %q", r.out.String())
	}
}
