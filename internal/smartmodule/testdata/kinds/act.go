//go:build wasip1

// Command kinds is a SmartModule for tests. It exports every kind of transform; the value of a record says what happens to
// it.
package main

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/examples/smartmodules/guest"
)

var (
	seen   int // records that this instance was given
	greet  string
	looked []string
)

//go:wasmexport init
func initialise(pointer, size, _ uint32) int32 {
	return guest.Init(pointer, size, func(params map[string]string) error {
		switch greet = params["greet"]; greet {
		case "error":
			return errors.New("that is no greeting")
		case "panic":
			panic("no manners")
		case "loop":
			for {
			}
		}
		return nil
	})
}

//go:wasmexport look_back
func lookBack(pointer, size, _ uint32) int32 {
	return guest.LookBack(pointer, size, func(r guest.Record) error {
		looked = append(looked, string(r.Value)+"@"+strconv.FormatInt(r.Offset, 10))
		if string(r.Value) == "forget me" {
			return errors.New("never heard of it")
		}
		return nil
	})
}

// act returns the records that come of r.
func act(r guest.Record) ([]guest.Record, error) {
	seen++
	word, rest, _ := strings.Cut(string(r.Value), " ")
	say := func(text string) ([]guest.Record, error) {
		r.Value = []byte(text)
		return []guest.Record{r}, nil
	}
	switch word {
	case "drop":
		return nil, nil
	case "error":
		return nil, errors.New(rest)
	case "panic":
		panic("boom")
	case "exit":
		os.Exit(3)
	case "loop":
		for {
		}
	case "recurse":
		return say(strconv.Itoa(recurse(60)))
	case "hoard":
		for all := [][]byte(nil); ; {
			all = append(all, bytes.Repeat([]byte("x"), 1<<20))
		}
	case "seen":
		return say(strconv.Itoa(seen))
	case "offset":
		return say(strconv.FormatInt(r.Offset, 10))
	case "time":
		return say(strconv.FormatInt(r.Time, 10))
	case "greet":
		return say(greet)
	case "looked":
		return say(strings.Join(looked, ","))
	case "rekey":
		r.Key = []byte(rest)
		return []guest.Record{r}, nil
	case "unkey":
		r.Key = nil
		return []guest.Record{r}, nil
	case "split":
		var records []guest.Record
		for _, part := range strings.Fields(rest) {
			records = append(records, guest.Record{Key: r.Key, Value: []byte(part)})
		}
		return records, nil
	}
	return say(strings.ToUpper(string(r.Value)))
}

// recurse takes longer than anybody waits, without a loop.
func recurse(n int) int {
	if n < 2 {
		return n
	}
	return recurse(n-1) + recurse(n-2)
}

func main() {}
