package image

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestPublishedImageIsPulledBack(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	dir, digest := build(t, spec(t))

	published, err := Publish(t.Context(), dir, host+"/some/path", "demo-source", "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	want := Published{Reference: host + "/some/path/demo-source:0.1.0", Digest: digest}
	if diff := cmp.Diff(want, published); diff != "" {
		t.Errorf("Published (-want +got):\n%s", diff)
	}
	if again, err := Publish(t.Context(), dir, host+"/some/path/", "demo-source", ""); err != nil || again != published {
		t.Errorf("a second push: %v, %v", again, err)
	}

	pinned, err := name.NewDigest(host + "/some/path/demo-source@" + string(digest))
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(pinned)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	tag, err := name.NewTag(published.Reference)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := remote.Head(tag); err != nil || head.Digest.String() != string(digest) {
		t.Errorf("the tag names %v, %v", head, err)
	}
	// Without a platform the library asks for linux/amd64, as a daemon on such a machine does.
	img, err := remote.Image(tag)
	if err != nil {
		t.Fatal(err)
	}
	if config, err := img.ConfigFile(); err != nil || config.Architecture != "amd64" || config.Config.Labels[labelTitle] != "demo-source" {
		t.Errorf("config %+v, %v", config, err)
	}
}

func TestPublishedTagIsNeverOverwritten(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	dir, digest := build(t, spec(t))
	if _, err := Publish(t.Context(), dir, host, "demo-source", "0.1.0"); err != nil {
		t.Fatal(err)
	}
	changed := spec(t)
	changed.Description = "Reads other demos."
	other, _ := build(t, changed)
	_, err := Publish(t.Context(), other, host, "demo-source", "0.1.0")
	if !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), "("+string(digest)+"); raise the version") {
		t.Errorf("error = %v", err)
	}
	tag, err := name.NewTag(host + "/demo-source:0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	if head, err := remote.Head(tag); err != nil || head.Digest.String() != string(digest) {
		t.Errorf("the tag names %v, %v, want %s", head, err, digest)
	}
}

func TestPublishRefuses(t *testing.T) {
	dir, _ := build(t, spec(t))
	tests := []struct{ name, dir, registry, program, version, want string }{
		{"a folder that is no layout", t.TempDir(), "127.0.0.1:1", "demo-source", "0.1.0", "read image "},
		{"a scheme", dir, "https://registry.example", "demo-source", "0.1.0", "leave out the scheme"},
		{"a registry that is no host", dir, "regi stry", "demo-source", "0.1.0", "registry regi stry: "},
		{"the image of another program", dir, "127.0.0.1:1", "other-source", "", "holds demo-source 0.1.0, not other-source; to mend"},
		{"the image of another version", dir, "127.0.0.1:1", "demo-source", "0.2.0", "holds demo-source 0.1.0, not demo-source 0.2.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Publish(t.Context(), tt.dir, tt.registry, tt.program, tt.version); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPlainHTTPIsForLoopbackOnly(t *testing.T) {
	tests := []struct {
		url  string
		sent bool
	}{
		{"http://127.0.0.1:5000/v2/", true},
		{"http://127.8.8.8/v2/", true},
		{"http://[::1]:5000/v2/", true},
		{"http://localhost:5000/v2/", true},
		{"https://registry.example/v2/", true},
		{"http://registry.example/v2/", false},
		{"http://10.0.0.1:5000/v2/", false},
		{"http://printer.local/v2/", false},
		{"http://localhost.example/v2/", false},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			sent := false
			transport := secure{roundTripper(func(*http.Request) (*http.Response, error) {
				sent = true
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			})}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
			response, err := transport.RoundTrip(request)
			if err == nil {
				_ = response.Body.Close()
			}
			if sent != tt.sent || (err == nil) != tt.sent {
				t.Errorf("sent = %v, error = %v", sent, err)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
