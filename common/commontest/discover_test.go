package commontest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// Shelf finds what its flag names, split at commas.
type Shelf struct {
	Holds  string `help:"What there is."`
	Book   string `help:"Book." required:"" discover:"" pattern:"^[a-z]*$" form:"a book"`
	Marker int    `help:"Page." max:"9"`
}

func (s *Shelf) Validate() error {
	if s.Book == "missal" {
		return errors.New("it is on loan")
	}
	return nil
}

func (s *Shelf) Discover(context.Context) (found []common.Found, err error) {
	if s.Holds == "" {
		return nil, errors.New("there is no shelf")
	}
	for book := range strings.SplitSeq(s.Holds, ",") {
		found = append(found, common.Found{Name: book, Options: map[string]any{"book": book, "marker": len(book)}})
	}
	return found, nil
}

// A heard is a test that fails in silence.
type heard struct {
	testing.TB
	said []string
}

func (h *heard) Errorf(format string, args ...any) {
	h.said = append(h.said, fmt.Sprintf(format, args...))
}

func TestDiscoverHoldsWhatIsFoundAgainstTheOptions(t *testing.T) {
	for _, tt := range []struct {
		holds string
		found int
		said  []string // the beginning of what is wrong
	}{
		{"a,b", 2, nil},
		{"a,a", 2, []string{"{Name:a"}},
		{"a,", 2, []string{"{Name: ", ": a run of it: --book (what is found): must not be empty"}},
		{"A", 1, []string{`A: a run of it: --book (what is found): "A" is not a book`}},
		{"missal", 1, []string{"missal: a run of it: it is on loan"}},
		{"ten letters", 1, []string{"ten letters: a run of it: --book", "ten letters: a run of it: --marker (what is found): 11 is more than 9"}},
	} {
		h := &heard{TB: t}
		found, err := commontest.Discover[Shelf](h, "--holds", tt.holds)
		if err != nil || len(found) != tt.found || len(h.said) != len(tt.said) {
			t.Errorf("%s: found %v, error %v, said %q", tt.holds, found, err, h.said)
			continue
		}
		for i, want := range tt.said {
			if !strings.HasPrefix(h.said[i], want) {
				t.Errorf("%s: said %q, want %q", tt.holds, h.said[i], want)
			}
		}
	}
	if found, err := commontest.Discover[Shelf](t); err == nil || found != nil {
		t.Errorf("found %v, error %v", found, err)
	}
}
