package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestBucketsAndFoldersAreFound(t *testing.T) {
	p := newPeer(t)
	for _, key := range []string{"logs/web/1", "logs/web/2", "logs/db/1", "logs/", "data/1", "top"} {
		p.put(key, "x")
	}
	folder := func(prefix string) common.Found {
		return common.Found{Name: prefix, Options: map[string]any{"bucket": "test", "prefix": prefix}}
	}
	for _, tt := range []struct {
		name string
		args []string
		want []common.Found
	}{
		{"buckets", nil, []common.Found{{Name: "test", Options: map[string]any{"bucket": "test"}}}},
		{"folders of a bucket", []string{"--bucket", "test"}, []common.Found{folder("data/"), folder("logs/")}},
		{"folders in a folder", []string{"--bucket", "test", "--prefix", "logs/"}, []common.Found{folder("logs/db/"), folder("logs/web/")}},
		{"folders that begin so", []string{"--bucket", "test", "--prefix", "lo"}, []common.Found{folder("logs/")}},
		{"none", []string{"--bucket", "test", "--prefix", "data/"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := commontest.Discover[S3Source](t, append([]string{"--endpoint", p.url, "--anonymous"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, found); diff != "" && len(tt.want)+len(found) > 0 {
				t.Error(diff)
			}
		})
	}
}

func TestWhyNothingCanBeFoundIsTold(t *testing.T) {
	p := newPeer(t)
	p.answer(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	for want, args := range map[string][]string{
		"list the buckets: ":  {"--endpoint", p.url, "--access-key-id", "a", "--secret-access-key", "canary"},
		"list bucket other: ": {"--endpoint", p.url, "--anonymous", "--bucket", "other"},
	} {
		found, err := commontest.Discover[S3Source](t, args...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("found %v, error %v", found, err)
		}
	}
}
