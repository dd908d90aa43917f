package cmd

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	root := t.TempDir()
	site := filepath.Join(root, "catalog", "site")
	if err := os.MkdirAll(site, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(site, "index.html"): "<p>hello</p>", filepath.Join(root, "secret"): "secret"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "secret"), filepath.Join(site, "link")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- Run(ctx, []string{"serve", "--root", root}, w, io.Discard)
	}()
	url, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"": 200, "none.html": 404, "link": 500} {
		response, err := client.Get(strings.TrimSpace(url) + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want || strings.Contains(string(text), "secret") {
			t.Errorf("%q: status %d, want %d: %s", path, response.StatusCode, want, text)
		}
	}
	cancel()
	if status := <-ended; status != 0 {
		t.Errorf("status %d after a stop", status)
	}
}
