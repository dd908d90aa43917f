package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"unicode/utf8"
)

// codecVersion is the version of the stored document. A change that an older program would misread needs a new number.
const codecVersion = 1

// ErrDamaged is what Decode returns for bytes that are not a whole, unchanged document. The position must then be looked
// at by a person: to start again from the beginning would repeat or skip records without a word.
var ErrDamaged = errors.New("the saved state is damaged")

// ErrVersion is what Decode returns for a document of a version that this program does not know. Another program can read
// it; trying again cannot.
var ErrVersion = errors.New("the saved state is of another version")

// document is what is stored. The checksum covers the compact form of State, so that a document laid out anew by a
// formatter is still whole.
type document struct {
	Version  int             `json:"version"`
	Checksum string          `json:"checksum"`
	State    json.RawMessage `json:"state"`
}

// body is the State of a document.
type body struct {
	State
	// Bytes holds the positions that are no text, names and positions in base64: JSON would change them without a word.
	Bytes map[string]string `json:"positions_base64,omitempty"`
	// AggregateBytes are likewise those aggregates that are no text.
	AggregateBytes map[string]string `json:"aggregates_base64,omitempty"`
}

func newBody(s *State) body {
	b := body{State: *s}
	b.Positions, b.Bytes = SplitPositions(s.Positions)
	b.Aggregates, b.AggregateBytes = SplitPositions(s.Aggregates)
	return b
}

func (b *body) state() (s *State, err error) {
	if b.Positions, err = JoinPositions(b.Positions, b.Bytes); err == nil {
		b.Aggregates, err = JoinPositions(b.Aggregates, b.AggregateBytes)
	}
	return &b.State, err
}

// SplitPositions takes the positions, or aggregates, that are no text, by name or by themselves, out of the others and returns them with their
// names in base64, for JSON; nil if there are none. It leaves its argument as it is.
func SplitPositions(positions map[string]string) (text, bytes map[string]string) {
	text = positions
	for partition, position := range positions {
		if utf8.ValidString(partition) && utf8.ValidString(position) {
			continue
		}
		if bytes == nil {
			bytes, text = map[string]string{}, maps.Clone(positions)
		}
		delete(text, partition)
		bytes[base64.StdEncoding.EncodeToString([]byte(partition))] = base64.StdEncoding.EncodeToString([]byte(position))
	}
	return text, bytes
}

// JoinPositions undoes SplitPositions. It may change text.
func JoinPositions(text, bytes map[string]string) (map[string]string, error) {
	for partition, position := range bytes {
		name, err := base64.StdEncoding.DecodeString(partition)
		if err != nil {
			return nil, err
		}
		value, err := base64.StdEncoding.DecodeString(position)
		if err != nil {
			return nil, err
		}
		if text == nil {
			text = map[string]string{}
		}
		text[string(name)] = string(value)
	}
	return text, nil
}

// Encode renders a state as a stored document: JSON with a version and a checksum. Equal states give equal bytes.
func Encode(s *State) ([]byte, error) {
	if s == nil {
		return nil, errors.New("encode state: nothing to encode")
	}
	text, err := json.Marshal(newBody(s))
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	doc, err := json.Marshal(document{Version: codecVersion, Checksum: checksum(text), State: text})
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return doc, nil
}

// Decode reads a stored document. Bytes that are cut off, changed or of another kind are ErrDamaged; a document of a
// version this program does not know is refused. It never returns a state that was not encoded as such: but for white space,
// there is one way to write a state, and every other is damage.
func Decode(data []byte) (*State, error) {
	var doc document
	if err := decodeStrict(data, &doc); err != nil {
		if v := versionOf(data); v > codecVersion {
			return nil, unknownVersion(v)
		}
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if doc.Version != codecVersion {
		return nil, unknownVersion(doc.Version)
	}
	var text bytes.Buffer
	if err := json.Compact(&text, doc.State); err != nil {
		return nil, fmt.Errorf("%w: it holds no state", ErrDamaged)
	}
	if checksum(text.Bytes()) != doc.Checksum {
		return nil, fmt.Errorf("%w: the checksum does not fit", ErrDamaged)
	}
	var b *body
	if err := decodeStrict(text.Bytes(), &b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if b == nil {
		return nil, fmt.Errorf("%w: it holds no state", ErrDamaged)
	}
	s, err := b.state()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	// Keys are read whatever their case, so what the checksum does not cover is compared.
	again, err := Encode(s)
	if err != nil {
		return nil, err
	}
	text.Reset()
	if err := json.Compact(&text, data); err != nil || !bytes.Equal(text.Bytes(), again) {
		return nil, fmt.Errorf("%w: it is not written as a saved state is", ErrDamaged)
	}
	return s, nil
}

func checksum(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func unknownVersion(v int) error {
	return fmt.Errorf("%w: it has version %d, this program reads version %d:"+
		" use the program that wrote it, or reset the state", ErrVersion, v, codecVersion)
}

// versionOf finds the version in a document whose other fields may be unknown, 0 if there is none.
func versionOf(data []byte) int {
	var head struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(data, &head) != nil {
		return 0
	}
	return head.Version
}

// decodeStrict refuses unknown fields and anything after the value: either would be dropped by the next save.
func decodeStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}
