package affected

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

const (
	a = "connectors/sources/a-source/"
	b = "connectors/sinks/b-sink/"
	c = "connectors/sources/c-source/" // not in Go
)

// sources are a repository that holds every kind of input. Its a-source alone links module example.com/dep.
var sources = map[string]string{
	"go.mod": "module example.com/m\n\ngo 1.26\n\nrequire example.com/dep v1.0.0\n\n" +
		"require example.com/near v1.0.0\n\nreplace example.com/near => ./near\n",
	".gitignore":                                  "bin/\n",
	"README.md":                                   "# all\n",
	"docs/guide.md":                               "# guide\n",
	"near/go.mod":                                 "module example.com/near\n",
	"near/near.go":                                "package near\n",
	"common/common.go":                            "package common\n\nimport _ \"embed\"\n\n//go:embed text.txt\nvar Text string\n",
	"common/text.txt":                             "hello",
	"common/common_test.go":                       "package common\n",
	"common/other_windows.go":                     "package common\n",
	"common/tagged.go":                            "//go:build never\n\npackage common\n",
	"common/commontest/commontest.go":             "package commontest\n",
	"common/metadata/schema/metadata.v1.json":     "{}\n",
	"common/metadata/schema/index.v1.json":        "{}\n",
	"common/metadata/schema/schema.go":            "package schema\n\nimport \"embed\"\n\n//go:embed *.go *.json\nvar Source embed.FS\n",
	"test/helper.bash":                            "# helper\n",
	"test/servers/pond.bash":                      "# a server\n",
	"test/own.bats":                               "# not of a connector\n",
	"tools/catalogen/internal/gate.go":            "package internal\n\nimport \"embed\"\n\n//go:embed rules/*.go\nvar Gate embed.FS\n",
	"tools/catalogen/internal/rules/rules.go":     "package rules\n",
	"tools/catalogen/internal/rules/more_test.go": "package rules\n",
	"tools/catalogen/internal/site/site.go":       "package site\n",
	"tools/catalogen/report/report.go":            "package report\n\nimport \"embed\"\n\n//go:embed *.go\nvar Source embed.FS\n",
	"tools/patchbay/main.go":                      "package main\n\nfunc main() {}\n",
	"connectors/connector.mk":                     "test:\n",
	a + "main.go":                                 "package main\n\nimport (\n\t_ \"example.com/dep\"\n\t_ \"example.com/m/common\"\n)\n\nfunc main() {}\n",
	a + "main_test.go":                            "package main\n\nimport _ \"example.com/m/common/commontest\"\n",
	a + "README.md":                               "# a\n\n" + readme.Begin(readme.Options) + "\nold\n" + readme.End(readme.Options) + "\n",
	a + "Makefile":                                "include ../../connector.mk\n",
	b + "main.go":                                 "package main\n\nimport (\n\t_ \"example.com/m/common\"\n\t_ \"example.com/near\"\n)\n\nfunc main() {}\n",
	b + "Makefile":                                "include ../../connector.mk\n-include ../../../local.make\n",
	c + "Makefile":                                "test:\nbuild:\n",
}

// repository makes a git repository of the sources and one commit, and returns its folder and what runs a program there.
func repository(t *testing.T) (string, func(argv ...string)) {
	t.Helper()
	temp, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(temp, "root")
	proxy := filepath.Join(temp, "proxy")
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		release(t, proxy, version)
	}
	for key, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
		"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
		"GOPROXY": "file://" + proxy, "GONOSUMDB": "*", "GOMODCACHE": filepath.Join(temp, "modules"), "GOFLAGS": "-modcacherw",
	} {
		t.Setenv(key, value)
	}
	run := func(argv ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		command.Dir = root
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, output)
		}
	}
	for name, text := range sources {
		put(t, root, name, text)
	}
	run("go", "get", "example.com/dep@v1.1.0")
	run("go", "get", "example.com/dep@v1.0.0") // both versions are known and in go.sum's reach
	run("git", "init", "--quiet")
	run("git", "add", ".")
	run("git", "commit", "--quiet", "-m", "one")
	return root, run
}

// release puts a version of module example.com/dep into a folder that serves as a proxy.
func release(t *testing.T, proxy, version string) {
	t.Helper()
	at := "example.com/dep/@v/" + version
	put(t, proxy, at+".info", `{"Version": "`+version+`"}`)
	put(t, proxy, at+".mod", "module example.com/dep\n")
	archive, err := os.Create(filepath.Join(proxy, at+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	z := zip.NewWriter(archive)
	for name, text := range map[string]string{"go.mod": "module example.com/dep\n", "dep.go": "package dep\n"} {
		w, err := z.Create("example.com/dep@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
