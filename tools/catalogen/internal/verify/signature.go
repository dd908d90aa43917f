package verify

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/signature"
)

// Statement returns what a signature of the catalog in a folder has to vouch for, but for the sequence number.
func Statement(dir string) (signature.Statement, error) {
	var s signature.Statement
	text, err := os.ReadFile(filepath.Join(dir, IndexFile))
	if err != nil {
		return s, err
	}
	s.Index = evidence.Digest(text)
	var files []string
	for _, part := range []string{"connectors", "schemas", publish.RetiredFile} {
		err := filepath.WalkDir(filepath.Join(dir, part), func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			relative, err := filepath.Rel(dir, name)
			files = append(files, filepath.ToSlash(relative))
			return err
		})
		if err != nil {
			return s, err
		}
	}
	s.Files, err = dirhash.Hash1(files, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	})
	return s, err
}

// Signature holds the catalog in a folder against the note of its signature, which is nil if there is none, and against what
// was seen before. It returns what the note says. In which way a signature fails is the finding's rule; the error is about
// the verifier or that the folder cannot be read.
func Signature(dir string, text []byte, verifier string, seen signature.Statement) (signature.Statement, []finding.Finding, error) {
	signed, err := signature.Open(text, verifier)
	if err == nil {
		var is signature.Statement
		if is, err = Statement(dir); err != nil {
			return signed, nil, err
		}
		err = signed.Check(is, seen)
	}
	for _, way := range []struct {
		err       error
		rule, fix string
	}{
		{signature.ErrMissing, "signature-missing", "take " + signature.File + " from where the catalog was published"},
		{signature.ErrStripped, "signature-stripped", "take " + signature.File + " from where the catalog was published"},
		{signature.ErrForeign, "signature-foreign", "ask the catalog's publisher which key is theirs"},
		{signature.ErrWrong, "signature-wrong", "trust neither this catalog nor its note; take both from where they were published"},
		{signature.ErrReplayed, "signature-replayed", "take the newest catalog; somebody may be holding it back"},
	} {
		if errors.Is(err, way.err) {
			return signed, []finding.Finding{{Rule: way.rule, Where: signature.File, Message: err.Error(), Fix: way.fix}}, nil
		}
	}
	return signed, nil, err
}
