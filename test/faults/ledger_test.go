package faults_test

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// openLedger opens a ledger for adding lines. A line is one write, so that a process that is killed leaves whole ones.
func openLedger(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// A ledger is what a source or a sink has taken down so far. A line is a word and a record, PARTITION:NUMBER.
type ledger struct {
	path   string
	offset int64
	rest   string                    // of a line that is not complete
	count  map[string]int            // lines, by their word
	times  map[string]map[string]int // lines, by word and record
	lines  []string                  // all of them
	moved  map[string]time.Time      // when the newest line was seen, by its word
}

func newLedger(path string) *ledger {
	return &ledger{path: path, count: map[string]int{}, times: map[string]map[string]int{}, moved: map[string]time.Time{}}
}

// read takes in what was added since.
func (l *ledger) read(t *testing.T) *ledger {
	t.Helper()
	file, err := os.Open(l.path)
	if os.IsNotExist(err) {
		return l
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.NewSectionReader(file, l.offset, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	l.offset += int64(len(data))
	lines := strings.Split(l.rest+string(data), "\n")
	l.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		word, name, _ := strings.Cut(line, " ")
		name, _, _ = strings.Cut(name, " ")
		l.count[word]++
		if l.times[word] == nil {
			l.times[word] = map[string]int{}
		}
		l.times[word][name]++
		l.lines = append(l.lines, word+" "+name)
		l.moved[word] = time.Now()
	}
	return l
}

// highest returns the largest number that has a line with this word, by partition.
func (l *ledger) highest(word string) map[string]int {
	highest := map[string]int{}
	for name := range l.times[word] {
		partition, n := split(name)
		highest[partition] = max(highest[partition], n)
	}
	return highest
}

func split(name string) (partition string, n int) {
	partition, text, _ := strings.Cut(name, ":")
	n, _ = strconv.Atoi(text)
	return partition, n
}

// An outcome is what a run came to.
type outcome struct {
	Sent       int           // records, each counted once
	Lost       int           // records that were sent and never written
	Duplicates int           // writes beyond the first of each record
	Reordered  int           // records first written after a younger one of their partition
	Recovery   time.Duration // the longest time between the end of the fault and the next record; 0 where none is measured
}

func (o outcome) String() string {
	return fmt.Sprintf("%d sent, %d lost, %d duplicates, %d reordered, recovery %v",
		o.Sent, o.Lost, o.Duplicates, o.Reordered, o.Recovery.Round(time.Millisecond))
}

// compare judges what sinks wrote by what sources sent. A source sends every number up to its last one.
func compare(sent, written *ledger) (o outcome) {
	for partition, last := range sent.highest("sent") {
		o.Sent += last
		for n := 1; n <= last; n++ {
			times := written.times["got"][partition+":"+strconv.Itoa(n)]
			if times == 0 {
				o.Lost++
			}
			o.Duplicates += max(0, times-1)
		}
	}
	newest, seen := map[string]int{}, map[string]bool{}
	for _, line := range written.lines {
		name, got := strings.CutPrefix(line, "got ")
		if !got || seen[name] {
			continue
		}
		seen[name] = true
		partition, n := split(name)
		if n < newest[partition] {
			o.Reordered++
		}
		newest[partition] = max(newest[partition], n)
	}
	return o
}
