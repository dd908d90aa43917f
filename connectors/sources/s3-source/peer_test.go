package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/klauspost/compress/zstd"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// A peer is a server of S3 with one bucket, called test.
type peer struct {
	t   testing.TB
	url string
	// before may answer a request in place of the server; it then returns true.
	before atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func newPeer(t testing.TB) *peer {
	backend := s3mem.New()
	if err := backend.CreateBucket("test"); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t}
	handler := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before := p.before.Load(); before == nil || !(*before)(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// answer has the server answer requests by f where that returns true.
func (p *peer) answer(f func(w http.ResponseWriter, r *http.Request) bool) { p.before.Store(&f) }

// put stores an object; headers are pairs of name and value.
func (p *peer) put(key, content string, headers ...string) {
	p.t.Helper()
	p.request(http.MethodPut, key, content, headers...)
}

func (p *peer) remove(key string) { p.request(http.MethodDelete, key, "") }

func (p *peer) request(method, key, content string, headers ...string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+"/test/"+key, strings.NewReader(content))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Close = true // no connection outlives it
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s, %v", method, key, resp.Status, err)
	}
}

// args are the options for this server, and more.
func (p *peer) args(more ...string) []string {
	return append([]string{"--endpoint", p.url, "--bucket", "test", "--anonymous", "--interval", "20ms"}, more...)
}

// once makes one pass from the position, and returns what was sent, the position at the end, and the error.
func (p *peer) once(position string, args ...string) (recs []common.Record, saved string, err error) {
	p.t.Helper()
	positions := map[string]string{}
	if position != "" {
		positions[""] = position
	}
	run := commontest.StartSource[S3Source](p.t, commontest.Config{Once: true, Positions: positions}, p.args(args...)...)
	err = run.Wait()
	return run.Records(), run.Positions()[""], err
}

// text joins the values of records.
func text(recs []common.Record) string {
	var values []string
	for _, rec := range recs {
		values = append(values, string(rec.Value))
	}
	return strings.Join(values, "|")
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func zstandard(text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}
