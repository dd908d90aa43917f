package change

import (
	"math/big"
	"strings"
)

// A span is what two bounds leave between them.
type span struct{ lower, upper bound }

// A bound is one end of a span. Without a value there is none.
type bound struct {
	value *big.Rat
	open  bool // the value itself is outside
}

// numbers is the span of a number.
func numbers(o object, whole bool) span {
	return span{o.end("minimum", "exclusiveMinimum", 1, whole), o.end("maximum", "exclusiveMaximum", -1, whole)}
}

// lengths is the span of a length, which is nothing below 0 anyway.
func lengths(o object, lower, upper string) span {
	s := span{bound{value: o.number(lower)}, bound{value: o.number(upper)}}
	if s.lower.value != nil && s.lower.value.Sign() <= 0 {
		s.lower.value = nil
	}
	return s
}

// end is the tighter of the two keywords for one end of a range. Inwards is the direction of tighter: 1 or -1. A number
// that is whole is one step inwards of the bound that it may not reach.
func (o object) end(closed, open string, inwards int, whole bool) bound {
	b := bound{value: o.number(closed)}
	if limit := o.number(open); limit != nil && (b.value == nil || limit.Cmp(b.value)*inwards >= 0) {
		b = bound{value: limit, open: true}
		if whole && limit.IsInt() {
			b = bound{value: new(big.Rat).Add(limit, big.NewRat(int64(inwards), 1))}
		}
	}
	return b
}

// tighter tells whether a bound excludes something that another does not.
func (b bound) tighter(than bound, inwards int) bool {
	switch {
	case b.value == nil:
		return false
	case than.value == nil:
		return true
	}
	order := b.value.Cmp(than.value) * inwards
	return order > 0 || order == 0 && b.open && !than.open
}

// lost tells whether a span lacks something that another holds.
func (s span) lost(of span) bool {
	return s.lower.tighter(of.lower, 1) || s.upper.tighter(of.upper, -1)
}

// bounds compares two spans. One that lost something is narrower, whatever it gained.
func (c *comparison) bounds(rule string, about subject, old, new span) {
	switch {
	case new.lost(old):
		c.add(rule+"-narrowed", about, old.String(), new.String())
	case old.lost(new):
		c.add(rule+"-widened", about, old.String(), new.String())
	}
}

// String writes a span in words.
func (s span) String() string {
	var words []string
	add := func(b bound, closed, open string) {
		switch {
		case b.value == nil:
		case b.open:
			words = append(words, open+decimal(b.value))
		default:
			words = append(words, closed+decimal(b.value))
		}
	}
	add(s.lower, "at least ", "above ")
	add(s.upper, "at most ", "below ")
	if words == nil {
		return "any"
	}
	return strings.Join(words, ", ")
}

// decimal writes a number as people do, where that is exact.
func decimal(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact {
		return r.RatString()
	}
	return r.FloatString(digits)
}
