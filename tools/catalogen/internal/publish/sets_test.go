package publish

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
)

func TestRetirements(t *testing.T) {
	const (
		plain = `{"name": "a-sink", "version": "0.1.0"}`
		going = `{"name": "a-sink", "version": "0.2.0", "deprecation": {"date": "2027-01-31", "replacement": "b-sink", "note": "The same."}}`
	)
	complete := Retirement{Name: "a-sink", Date: "2027-01-31", Reason: "It is over.", Replacement: "b-sink"}
	with := func(change func(*Retirement)) []Retirement {
		r := complete
		change(&r)
		return []Retirement{r}
	}
	tests := []struct {
		name     string
		retired  []Retirement
		released map[string][]byte
		there    bool
		failed   bool
		unknown  bool
		want     []string
	}{
		{name: "a retirement", retired: []Retirement{complete}, released: map[string][]byte{"0.1.0": []byte(plain)}},
		{name: "on the day that was announced", retired: []Retirement{complete}, released: map[string][]byte{"0.1.0": []byte(plain), "0.2.0": []byte(going)}},
		{
			name: "before the day that was announced", retired: with(func(r *Retirement) { r.Date = "2027-01-30" }),
			released: map[string][]byte{"0.1.0": []byte(plain), "0.2.0": []byte(going)},
			want:     []string{"removal-announced: is retired on 2027-01-30, and 0.2.0 promised it until 2027-01-31"},
		},
		{
			name: "what an older version announced is of no account", retired: with(func(r *Retirement) { r.Date = "2027-01-30" }),
			released: map[string][]byte{"0.3.0": []byte(`{"name": "a-sink", "version": "0.3.0"}`), "0.2.0": []byte(going)},
		},
		{
			name: "what is perhaps not released promises nothing", retired: with(func(r *Retirement) { r.Date = "2027-01-30" }), unknown: true,
			released: map[string][]byte{"0.2.0": []byte(going)},
		},
		{
			name: "a day to come", retired: with(func(r *Retirement) { r.Date = "2027-02-02" }), released: map[string][]byte{"0.1.0": []byte(plain)},
			want: []string{"retired-complete: is retired on 2027-02-02, a day to come"},
		},
		{
			name: "no reason", retired: with(func(r *Retirement) { r.Reason = "" }), released: map[string][]byte{"0.1.0": []byte(plain)},
			want: []string{"retired-complete: an entry is incomplete"},
		},
		{
			name: "no day", retired: with(func(r *Retirement) { r.Date = "soon" }), released: map[string][]byte{"0.1.0": []byte(plain)},
			want: []string{`retired-complete: "soon" is no day`},
		},
		{
			name: "twice", retired: []Retirement{complete, complete}, released: map[string][]byte{"0.1.0": []byte(plain)},
			want: []string{"retired-complete: is retired twice"},
		},
		{
			name: "a folder that is there", retired: []Retirement{complete}, there: true,
			want: []string{"retired-complete: is retired, and its folder is still there"},
		},
		{name: "gone without a word", released: map[string][]byte{"0.1.0": []byte(plain)}, want: []string{"connector-vanished: was released in v1 and is gone"}},
		{name: "there and failed", released: map[string][]byte{"0.1.0": []byte(plain)}, failed: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Catalog{
				Retired: Retired{tt.retired}, Today: time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC), Failed: map[string]bool{"a-sink": tt.failed},
				Baseline: baseline.Baseline{Ref: "v1", Unknown: tt.unknown, Documents: map[string]map[string][]byte{}},
			}
			if tt.released != nil {
				c.Baseline.Documents["a-sink"] = tt.released
			}
			if tt.there {
				c.Connectors = []Connector{{Folder: discover.Folder{Name: "a-sink"}, Document: metadata.Document{Name: "a-sink"}}}
			}
			var got []string
			for _, f := range c.vanished() {
				if f.Connector != "a-sink" {
					t.Errorf("finding %v", f)
				}
				got = append(got, f.Rule+": "+f.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
