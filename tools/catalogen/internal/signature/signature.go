// Package signature signs a catalog and tells in which of five ways a signature fails. A signature is a note, as
// golang.org/x/mod/sumdb/note defines it, in a file beside the index:
//
//	patchbay catalog
//	sequence 12
//	index sha256:…
//	files h1:…
//
//	— NAME SIGNATURE
//
// The index's digest names the catalog; the digest of the files covers what the index does not, such as the documents of
// earlier versions. The sequence number rises with each release, so that who has seen one knows an older one by it.
package signature

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// File is where the signature of a catalog is, below its folder.
const File = "index.note"

// The five ways in which a signature fails. Each is wrapped by the error of Open or Statement.Check.
var (
	// ErrMissing means that there is no note at all.
	ErrMissing = errors.New("the catalog is not signed")
	// ErrStripped means that there is a note, from which the signatures were taken.
	ErrStripped = errors.New("the note has lost its signatures")
	// ErrForeign means that others have signed the note, but not the key that was asked for.
	ErrForeign = errors.New("the note is not signed by this key")
	// ErrWrong means that the key's signature is not of this note, or the note not of this catalog.
	ErrWrong = errors.New("the signature is wrong")
	// ErrReplayed means that all is well but for the age: a later catalog has been seen.
	ErrReplayed = errors.New("the signature is an old one, replayed")
)

// A Statement is what a signature vouches for.
type Statement struct {
	Sequence uint64 // rises with each release; at least 1
	Index    string // sha256:<hex> of index.json
	Files    string // h1:<base64>, as golang.org/x/mod/sumdb/dirhash makes it, of connectors/, schemas/ and retired.json
}

// heading is the note's first line, so that no signature of anything else serves for a catalog.
const heading = "patchbay catalog"

func (s Statement) text() string {
	return fmt.Sprintf("%s\nsequence %d\nindex %s\nfiles %s\n", heading, s.Sequence, s.Index, s.Files)
}

// NewKey makes a key and returns its private half, for Sign, and its public half, for Open, each as one line of text. The
// name is part of both; the error is that it cannot be.
func NewKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = note.NewVerifier(public) // which alone looks at the name
	}
	if err != nil {
		return "", "", fmt.Errorf("%q cannot be the name of a key: it must be without spaces and +", name)
	}
	return private, public, nil
}

// Sign returns the signed note of a statement.
func Sign(s Statement, key string) ([]byte, error) {
	signer, err := note.NewSigner(strings.TrimSpace(key))
	if err != nil {
		return nil, errors.New("is no key that catalogen key has made") // err may show it
	}
	if s.Sequence == 0 {
		return nil, errors.New("cannot sign: the sequence number must be at least 1")
	}
	return note.Sign(&note.Note{Text: s.text()}, signer)
}

// Open returns the statement of a note that the verifier's key has signed. A nil text is a note that is not there. The error
// wraps one of the five, unless it is about the verifier.
func Open(text []byte, verifier string) (Statement, error) {
	v, err := note.NewVerifier(strings.TrimSpace(verifier))
	if err != nil {
		return Statement{}, errors.New("the verifier key is malformed: it is the line that catalogen key has printed, NAME+HASH+KEY")
	}
	if text == nil {
		return Statement{}, ErrMissing
	}
	if !strings.Contains("\n"+string(text), "\n— ") {
		return Statement{}, ErrStripped
	}
	opened, err := note.Open(text, note.VerifierList(v))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		var names []string
		for _, s := range unverified.Note.UnverifiedSigs {
			names = append(names, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
		}
		return Statement{}, fmt.Errorf("%w: %s+%08x has not, but %s", ErrForeign, v.Name(), v.KeyHash(), strings.Join(names, ", "))
	case err != nil:
		return Statement{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	s, err := parse(opened.Text)
	if err != nil {
		return Statement{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return s, nil
}

// parse reads a note's text, which must be just what text writes.
func parse(text string) (Statement, error) {
	lines := strings.Split(text, "\n")
	var s Statement
	if len(lines) == 5 && lines[0] == heading {
		s.Sequence, _ = strconv.ParseUint(strings.TrimPrefix(lines[1], "sequence "), 10, 64)
		s.Index = strings.TrimPrefix(lines[2], "index ")
		s.Files = strings.TrimPrefix(lines[3], "files ")
	}
	if s.Sequence == 0 || s.text() != text {
		return s, errors.New("what is signed is not the statement of a catalog")
	}
	return s, nil
}

// Check holds a statement against the catalog as it is, whose sequence number does not count, and against what was seen
// before, which may be the zero Statement. Of what was seen, an empty Index and Files are not known.
func (s Statement) Check(is, seen Statement) error {
	switch {
	case s.Index != is.Index:
		return fmt.Errorf("%w: it is of an index with the digest %s, and this one has %s", ErrWrong, s.Index, is.Index)
	case s.Files != is.Files:
		return fmt.Errorf("%w: the files that belong to the index are not those that were signed", ErrWrong)
	case s.Sequence < seen.Sequence:
		return fmt.Errorf("%w: it has the number %d, and %d has been seen", ErrReplayed, s.Sequence, seen.Sequence)
	case s.Sequence == seen.Sequence && seen.Index != "" && s != seen:
		return fmt.Errorf("%w: another catalog with the same number %d has been seen", ErrReplayed, s.Sequence)
	}
	return nil
}

// ParseSeen reads what String has written.
func ParseSeen(text string) (Statement, error) { return parse(text) }

// String returns the statement as it stands in a note, to be remembered as what was seen.
func (s Statement) String() string { return s.text() }
