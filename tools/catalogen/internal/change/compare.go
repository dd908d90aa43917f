package change

// Compare lists what changed from one published document of a connector to another: options, commands, exit statuses,
// record contract, guarantee and all the rest except name and version. Config keys are the options' names, so a change of an
// option is one of its key. Documents that differ at all have a change; equal ones have none. The order is that of the
// newer document. The error names the document that cannot be read.
func Compare(old, new []byte) ([]Change, error) {
	return nil, nil
}
