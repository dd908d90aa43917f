package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/replace"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/signature"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/verify"
)

type verifyCmd struct {
	Catalog string   `arg:"" optional:"" help:"Folder of the catalog (default: catalog)." type:"existingdir"`
	Binary  []string `help:"Program to hold against the catalog too: it must print the metadata that is there. May be repeated." placeholder:"PATH" type:"existingfile" sep:"none"`
	Sums    string   `help:"Published SHA256SUMS, which must hold the index and each program. What is not there is not run." placeholder:"FILE" type:"existingfile"`
	Key     string   `help:"Verifier key that must have signed the catalog." placeholder:"VERIFIER"`
	Note    string   `help:"The signature (default: index.note in the catalog's folder)." placeholder:"FILE"`
	Seen    string   `help:"Remember the newest signature here, and refuse older ones; one file for each key." placeholder:"FILE"`
	Least   uint64   `help:"Refuse a signature with a lower sequence number." placeholder:"N"`
}

// Run checks from the outside to the inside: nothing is run before it is known where it comes from.
func (v verifyCmd) Run(ctx context.Context, s streams) error {
	if v.Key == "" && (v.Seen != "" || v.Least > 0 || v.Note != "") {
		return fmt.Errorf("%w: --note, --seen and --least are about a signature, so they need --key", errUsage)
	}
	v.Catalog = cmp.Or(v.Catalog, "catalog")
	catalog, findings, err := verify.Read(v.Catalog)
	if err != nil {
		return err
	}
	if len(findings) == 0 {
		fmt.Fprintf(s.out, "catalog: %d connectors, whole and consistent\n", len(catalog.Index.Connectors))
	}
	if v.Key != "" {
		found, err := v.signature(s)
		if err != nil {
			return err
		}
		findings = append(findings, found...)
	}
	if v.Sums != "" {
		found, err := v.sums(catalog, s)
		if err != nil {
			return err
		}
		findings = append(findings, found...)
	}
	if len(findings) == 0 {
		if findings, err = v.programs(ctx, catalog, s); err != nil {
			return err
		}
	} else if len(v.Binary) > 0 {
		fmt.Fprintf(s.out, "no program was run, because of what follows\n")
	}
	progress.Report(s.out, nil, findings)
	if len(findings) > 0 {
		return errFailed
	}
	return nil
}

// signature checks the signature and, if it is good, remembers it.
func (v verifyCmd) signature(s streams) ([]finding.Finding, error) {
	text, err := os.ReadFile(cmp.Or(v.Note, filepath.Join(v.Catalog, signature.File)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	seen, err := v.seen()
	if err != nil {
		return nil, err
	}
	signed, findings, err := verify.Signature(v.Catalog, text, v.Key, seen)
	if err != nil || len(findings) > 0 {
		return findings, err
	}
	fmt.Fprintf(s.out, "signature: good, number %d\n", signed.Sequence)
	if v.Seen == "" || signed == seen {
		return nil, nil
	}
	return nil, replace.File(v.Seen, []byte(signed.String()), 0o644)
}

// seen is the newest statement that was seen so far.
func (v verifyCmd) seen() (signature.Statement, error) {
	var seen signature.Statement
	if v.Seen != "" {
		text, err := os.ReadFile(v.Seen)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return seen, err
		}
		if err == nil {
			if seen, err = signature.ParseSeen(string(text)); err != nil {
				return seen, fmt.Errorf("%s is not what verify --seen has written", v.Seen)
			}
		}
	}
	if v.Least > seen.Sequence {
		seen = signature.Statement{Sequence: v.Least}
	}
	return seen, nil
}

// sums checks the index and the programs by their bytes.
func (v verifyCmd) sums(catalog *verify.Catalog, s streams) ([]finding.Finding, error) {
	text, err := os.ReadFile(v.Sums)
	if err != nil {
		return nil, err
	}
	sums, err := verify.ParseSums(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", v.Sums, err)
	}
	names, findings, err := sums.Check(catalog, v.Binary)
	if err == nil && len(findings) == 0 {
		fmt.Fprintf(s.out, "sums: %s", verify.IndexFile)
		for _, name := range names {
			fmt.Fprintf(s.out, ", %s", name)
		}
		fmt.Fprintln(s.out)
	}
	return findings, err
}

// programs asks the programs what they are.
func (v verifyCmd) programs(ctx context.Context, catalog *verify.Catalog, s streams) ([]finding.Finding, error) {
	var findings []finding.Finding
	for _, path := range v.Binary {
		doc, found, err := catalog.Program(ctx, path)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			fmt.Fprintf(s.out, "%s: is %s %s by its metadata\n", path, doc.Name, doc.Version)
		}
		findings = append(findings, found...)
	}
	return findings, nil
}
