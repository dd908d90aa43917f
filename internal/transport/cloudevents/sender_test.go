package cloudevents

import (
	"errors"
	"net/http"
	"testing"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestASenderPostsEachEventByItself(t *testing.T) {
	var got []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		values := received(r)
		got = append(got, values...)
		if values[0] == "bad" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	s, err := NewSender(WriterConfig{URL: url, Source: "test", Mode: Structured})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rejected *transport.Rejected
	tests := []struct {
		rec      record.Record
		unfit    bool
		rejected bool
	}{
		{record.Record{Value: []byte("a")}, false, false},
		{record.Record{Value: []byte("bad")}, false, true},
		{record.Record{Value: []byte("b")}, false, false}, // what failed before does not matter to it
		{record.Record{Type: "\xff"}, true, true},
	}
	for _, tt := range tests {
		unfit, err := s.Send(t.Context(), tt.rec)
		if unfit != tt.unfit || errors.As(err, &rejected) != tt.rejected || (err == nil) == tt.rejected {
			t.Errorf("%q: unfit %t, %v", tt.rec.Value, unfit, err)
		}
	}
	if len(got) != 3 {
		t.Errorf("the server got %q", got)
	}
	if _, err := NewSender(WriterConfig{URL: "h", Source: "test"}); err == nil {
		t.Error("an address that is none is taken")
	}
}
