// Command tally sums up what `make test` found: `tally DIR` reads the file DIR/parts, one `NAME STATUS` a line, and what each
// part left in DIR/NAME (JUnit XML, TAP, or a log with counts), names every failure and every skip, and ends with the line `N passed, N failed`.
// It exits 1 if anything failed or nothing ran.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tally DIR")
		os.Exit(2)
	}
	parts, err := readParts(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		fmt.Println("0 passed, 1 failed")
		os.Exit(1)
	}
	if !summarise(os.Stdout, parts) {
		os.Exit(1)
	}
}

// A part is one step of the run and what came of it.
type part struct {
	name    string
	results []result
}

// readParts reads every part that ran, in the order in which they ran.
func readParts(dir string) ([]part, error) {
	file, err := os.Open(filepath.Join(dir, "parts"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var parts []part
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, word, _ := strings.Cut(lines.Text(), " ")
		status, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("%s: line %q is not NAME STATUS", file.Name(), lines.Text())
		}
		parts = append(parts, part{name: name, results: partResults(filepath.Join(dir, name), name, status)})
	}
	return parts, lines.Err()
}

// partResults returns what a part's reports hold. A part without reports is one check. The exit status has the last word:
// a part that failed holds a failure, whatever it reported.
func partResults(dir, name string, status int) []result {
	results, found, err := readReports(dir)
	switch {
	case err != nil:
		results = append(results, result{name: err.Error(), outcome: failed})
	case !found:
		results = []result{{name: name, outcome: passed}}
	case len(results) == 0:
		results = append(results, result{name: "ran no test", outcome: failed})
	}
	if status != 0 && count(results, failed) == 0 {
		if !found {
			results = nil
		}
		results = append(results, result{name: fmt.Sprintf("%s: exit status %d", name, status), outcome: failed})
	}
	return results
}

// summarise prints a table, the name of what failed and of what was skipped, and the total, and tells whether all is well.
func summarise(w io.Writer, parts []part) bool {
	total := map[outcome]int{}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\npart\tpassed\tfailed\tskipped\t")
	for _, p := range parts {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n",
			p.name, count(p.results, passed), count(p.results, failed), count(p.results, skipped))
		for _, o := range []outcome{passed, failed, skipped} {
			total[o] += count(p.results, o)
		}
	}
	table.Flush()
	for _, o := range []outcome{skipped, failed} {
		for _, p := range parts {
			for _, label := range labels(p.results, o) {
				fmt.Fprintf(w, "%s %s: %s\n", strings.ToUpper(string(o)), p.name, label)
			}
		}
	}
	if total[skipped] > 0 {
		fmt.Fprintf(w, "%d skipped\n", total[skipped])
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", total[passed], total[failed])
	return total[failed] == 0 && total[passed] > 0
}

// labels names the results of one outcome, each name once.
func labels(results []result, o outcome) []string {
	var names []string
	for _, r := range results {
		if label := r.label(); r.outcome == o && !slices.Contains(names, label) {
			names = append(names, label)
		}
	}
	return names
}

func count(results []result, o outcome) int {
	n := 0
	for _, r := range results {
		if r.outcome == o {
			n++
		}
	}
	return n
}
