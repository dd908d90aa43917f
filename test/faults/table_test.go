package faults_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// A row sums up the runs of a fault on a topology.
type row struct {
	fault
	between string
	runs    int
	worst   outcome
	sent    int
}

var (
	rowsMu sync.Mutex
	rows   = map[string]*row{}
)

// report adds a run to the table.
func report(f fault, between string, o outcome) {
	rowsMu.Lock()
	defer rowsMu.Unlock()
	key := f.name + "\x00" + between
	if rows[key] == nil {
		rows[key] = &row{fault: f, between: between}
	}
	r := rows[key]
	r.runs++
	r.sent += o.Sent
	r.worst.Lost = max(r.worst.Lost, o.Lost)
	r.worst.Duplicates = max(r.worst.Duplicates, o.Duplicates)
	r.worst.Recovery = max(r.worst.Recovery, o.Recovery)
}

const preface = `# What faults do

<!-- Written by make faults. DO NOT EDIT. -->

Each row is a fault that was made while records flowed from a source to a sink, in processes of their own. Every record that was
sent was compared with every record that was written. Lost must be 0 in every row. Duplicates are records that the sink wrote more
than once; the bound is what is promised. Recovery is the longest time from the end of the fault to the next record.

Each run draws the moments of its faults from a seed and prints it; ` + "`PATCHBAY_FAULT_SEED=N go test ./test/faults -run NAME`" + `
repeats them, as far as other processes let it. The tests are in ` + "`test/faults`" + `.

| fault | topology | runs | records | lost | duplicates (bound) | recovery (bound) |
|---|---|---:|---:|---:|---:|---:|
`

// writeTable writes what was reported to a file.
func writeTable(path string) error {
	var text bytes.Buffer
	text.WriteString(preface)
	sorted := make([]*row, 0, len(rows))
	for _, r := range rows {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(a, b *row) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.between, b.between)) })
	for _, r := range sorted {
		recovery := "–"
		if r.recovery > 0 {
			recovery = fmt.Sprintf("%v (%v)", r.worst.Recovery.Round(10*time.Millisecond), r.recovery)
		}
		fmt.Fprintf(&text, "| %s | %s | %d | %d | %d | %d (%d) | %s |\n", r.name, r.between, r.runs, r.sent, r.worst.Lost,
			r.worst.Duplicates, r.duplicates[r.between], recovery)
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}
