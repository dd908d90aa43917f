package signature

import (
	"errors"
	"strings"
	"testing"
)

// key makes a key and fails the test if it cannot.
func key(t *testing.T, name string) (private, public string) {
	t.Helper()
	private, public, err := NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func sign(t *testing.T, s Statement, private string) string {
	t.Helper()
	text, err := Sign(s, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFiveWaysToFail(t *testing.T) {
	private, public := key(t, "ours")
	namesake, _ := key(t, "ours")
	foreign, _ := key(t, "theirs")
	is := Statement{Index: "sha256:1", Files: "h1:1"}
	at := func(sequence uint64) Statement { return Statement{sequence, is.Index, is.Files} }
	good := sign(t, at(7), private)
	text, signatures, _ := strings.Cut(good, "\n\n")
	_, theirs, _ := strings.Cut(sign(t, at(7), foreign), "\n\n")
	otherIndex := sign(t, Statement{7, "sha256:2", is.Files}, private)
	otherFiles := sign(t, Statement{7, is.Index, "h1:2"}, private)
	tests := []struct {
		name string
		note string
		seen Statement
		want error
	}{
		{"good", good, Statement{}, nil},
		{"good and countersigned", good + theirs, Statement{}, nil},
		{"good and seen before", good, at(7), nil},
		{"good and newer than what was seen", good, Statement{6, "sha256:0", "h1:0"}, nil},
		{"good and of the least number", good, Statement{Sequence: 7}, nil},
		{"missing", "", Statement{}, ErrMissing},
		{"stripped", text + "\n", Statement{}, ErrStripped},
		{"stripped to nothing", "\n", Statement{}, ErrStripped},
		{"signed by others", text + "\n\n" + theirs, Statement{}, ErrForeign},
		{"signed by another key of that name", sign(t, at(7), namesake), Statement{}, ErrForeign},
		{"the text was changed", strings.Replace(good, "sequence 7", "sequence 8", 1), Statement{}, ErrWrong},
		{"the signature was changed", text + "\n\n" + signatures[:len(signatures)-9] + "AAAA" + signatures[len(signatures)-5:], Statement{}, ErrWrong},
		{"the signature is cut off", good[:len(good)-2], Statement{}, ErrWrong},
		{"signed is another index", otherIndex, Statement{}, ErrWrong},
		{"signed are other files", otherFiles, Statement{}, ErrWrong},
		{"an older one", good, Statement{8, "sha256:3", "h1:3"}, ErrReplayed},
		{"lower than the least", good, Statement{Sequence: 8}, ErrReplayed},
		{"another one with a number that is taken", good, Statement{7, "sha256:3", "h1:3"}, ErrReplayed},
	}
	five := []error{ErrMissing, ErrStripped, ErrForeign, ErrWrong, ErrReplayed}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var note []byte
			if tt.note != "" {
				note = []byte(tt.note)
			}
			s, err := Open(note, public+"\n")
			if err == nil {
				err = s.Check(is, tt.seen)
			}
			for _, way := range five {
				if errors.Is(err, way) != (tt.want == way) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			}
			if tt.want == nil && (err != nil || s != at(7)) {
				t.Errorf("statement %v, error %v", s, err)
			}
		})
	}
}

// The key may have signed other things than catalogs.
func TestOpenRefusesOtherNotes(t *testing.T) {
	for _, text := range []string{
		"other\nsequence 1\nindex x\nfiles y\n",
		heading + "\nsequence 0\nindex x\nfiles y\n",
		heading + "\nsequence 01\nindex x\nfiles y\n",
		heading + "\nsequence 1\nindex x\nfiles y\nmore\n",
		heading + "\n",
	} {
		if s, err := parse(text); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
}

func TestKeys(t *testing.T) {
	private, _ := key(t, "ours")
	for _, name := range []string{"", "two words", "a+b"} {
		if _, _, err := NewKey(name); err == nil {
			t.Errorf("%q may be the name of a key", name)
		}
	}
	if _, err := Sign(Statement{Sequence: 1}, private[:len(private)-4]); err == nil || strings.Contains(err.Error(), private[20:40]) {
		t.Errorf("a damaged key: %v", err)
	}
	if _, err := Sign(Statement{}, private); err == nil {
		t.Error("a statement without a number is signed")
	}
	if _, err := Open(nil, "nope"); err == nil || errors.Is(err, ErrMissing) {
		t.Errorf("a verifier that is none: %v", err)
	}
}
