package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs git in a repository.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIPPED: there is no git")
	}
	cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a commit of the file and returns its id.
func commit(t *testing.T, dir, content string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "file")
	git(t, dir, "commit", "-q", "-m", content)
	return git(t, dir, "rev-parse", "HEAD")
}

func TestARepositoryIsClonedAndPulled(t *testing.T) {
	repository := t.TempDir()
	git(t, repository, "init", "-q")
	commit(t, repository, "1")
	r := newRig(t)
	m := Manifest{Source: "VCS", URI: "file://" + repository, InstallCommand: "cp file built"}
	r.install(m, false, "")
	r.has("built", "1")
	commit(t, repository, "2")
	r.install(m, true, "")
	r.has("built", "2")
	r.install(Manifest{Source: "VCS", URI: "file://" + repository + "/none"}, true, "may be updated by half")
}

func TestARepositoryIsPinned(t *testing.T) {
	repository := t.TempDir()
	git(t, repository, "init", "-q")
	first := commit(t, repository, "1")
	second := commit(t, repository, "2")
	r := newRig(t)
	m := Manifest{Source: "VCS", URI: repository, Digest: "commit:" + first, UpdateCommand: "git pull"}
	r.install(m, false, "")
	r.has("file", "1")
	m.Digest = "commit:" + second
	r.install(m, true, "")
	r.has("file", "2")
	if err := r.Remove("x"); err != nil {
		t.Fatal(err)
	}
	m.Digest = "commit:" + strings.Repeat("0", 40)
	r.install(m, false, "git checkout")
	r.empty()
}

func TestWhatIsNoCloneIsFetchedAnew(t *testing.T) {
	r, local, repository := newRig(t), t.TempDir(), t.TempDir()
	if err := os.Mkdir(r.Root, 0o700); err != nil {
		t.Fatal(err)
	}
	git(t, r.Root, "init", "-q") // which git would find above the connector
	above := commit(t, r.Root, "above")
	if err := os.WriteFile(filepath.Join(local, "file"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, repository, "init", "-q")
	commit(t, repository, "2")
	r.install(Manifest{Source: "Local", URI: local}, false, "")
	r.has("file", "1")
	r.install(Manifest{Source: "VCS", URI: "file://" + repository}, true, "")
	r.has("file", "2")
	if now := git(t, r.Root, "rev-parse", "HEAD"); now != above {
		t.Errorf("the repository above is at %s", now)
	}
}
