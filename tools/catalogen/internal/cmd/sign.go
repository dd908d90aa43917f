package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/signature"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/verify"
)

type keyCmd struct {
	Name string `arg:"" help:"Name of the key, such as that of the project; without spaces or +."`
	File string `arg:"" help:"Where to write the private key; there must be no file yet."`
}

// Run makes a key. The private half goes into a file that only its owner may read, and nowhere else.
func (k keyCmd) Run(s streams) error {
	private, public, err := signature.NewKey(k.Name)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	f, err := os.OpenFile(k.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a key is never overwritten", k.File)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, private)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, public)
	return err
}

type signCmd struct {
	Catalog  string `arg:"" optional:"" help:"Folder of the catalog (default: catalog)." type:"existingdir"`
	Key      string `help:"File of the private key." required:"" placeholder:"FILE" type:"existingfile"`
	Sequence uint64 `help:"Number that rises with each release, such as git rev-list --count HEAD." required:"" placeholder:"N"`
	Note     string `help:"Where to write the signature (default: index.note in the catalog's folder)." placeholder:"FILE"`
}

// Run signs a catalog, if it is one that can be verified.
func (c signCmd) Run(s streams) error {
	catalog := cmp.Or(c.Catalog, "catalog")
	key, err := os.ReadFile(c.Key)
	if err != nil {
		return err
	}
	_, findings, err := verify.Read(catalog)
	if err != nil {
		return err
	}
	if len(findings) > 0 {
		progress.Report(s.out, nil, findings)
		return errFailed
	}
	statement, err := verify.Statement(catalog)
	if err != nil {
		return err
	}
	statement.Sequence = c.Sequence
	signed, err := signature.Sign(statement, string(key))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Key, err)
	}
	return os.WriteFile(cmp.Or(c.Note, filepath.Join(catalog, signature.File)), signed, 0o644)
}
