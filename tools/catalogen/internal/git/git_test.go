package git

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestAnErrorNamesTheCommand(t *testing.T) {
	for args, want := range map[string]string{
		"ls-files --nonsense": "git ls-files: ",
		"-c safe.directory=* --git-dir=nowhere status --short": "git status: ",
	} {
		if _, err := Run(t.Context(), t.TempDir(), strings.Fields(args)...); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n\n") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestNoGitIsToldAsSuch(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Run(t.Context(), t.TempDir(), "status"); !errors.Is(err, exec.ErrNotFound) {
		t.Error(err)
	}
}
