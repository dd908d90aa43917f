package link

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Range is the line numbers from First to Last, both included.
type Range struct{ First, Last int64 }

// Ranges is a set of line numbers: sorted ranges that neither overlap nor touch. In print it looks like "1-5,7".
type Ranges []Range

// Add returns the set with a line added. Lines that arrive in order make one range.
func (r Ranges) Add(line int64) Ranges {
	i := len(r)
	for i > 0 && r[i-1].First > line {
		i--
	}
	afterPrevious := i > 0 && r[i-1].Last >= line-1
	beforeNext := i < len(r) && r[i].First == line+1
	switch {
	case afterPrevious && beforeNext:
		r[i-1].Last = r[i].Last
		return slices.Delete(r, i, i+1)
	case afterPrevious:
		r[i-1].Last = max(r[i-1].Last, line)
	case beforeNext:
		r[i].First = line
	default:
		return slices.Insert(r, i, Range{line, line})
	}
	return r
}

// Append appends the set in print.
func (r Ranges) Append(dst []byte) []byte {
	for i, x := range r {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, x.First, 10)
		if x.Last > x.First {
			dst = append(dst, '-')
			dst = strconv.AppendInt(dst, x.Last, 10)
		}
	}
	return dst
}

// String returns the set in print.
func (r Ranges) String() string { return string(r.Append(nil)) }

// ParseRanges reads ranges in print, in any order.
func ParseRanges(s string) (Ranges, error) {
	var r Ranges
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, err := strconv.ParseUint(first, 10, 63)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(last, 10, 63)
		}
		if err != nil || a == 0 || b < a {
			return nil, fmt.Errorf(`%q are no line numbers: write them like "1-5,7"`, s)
		}
		r = append(r, Range{int64(a), int64(b)})
	}
	slices.SortFunc(r, func(x, y Range) int { return cmp.Compare(x.First, y.First) })
	merged := r[:1]
	for _, x := range r[1:] {
		if end := &merged[len(merged)-1].Last; x.First-1 <= *end {
			*end = max(*end, x.Last)
		} else {
			merged = append(merged, x)
		}
	}
	return merged, nil
}
