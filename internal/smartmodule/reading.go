package smartmodule

import "errors"

// A reading stores what an answer says of each record of a call. After an error its results mean nothing.
type reading struct {
	kind    Kind
	records []Input
	results []Result // of the records, one each
	outs    *[]Output
	last    int64 // number of the last record of which there is an output
}

var errStray = errors.New("the module hands back a record that belongs to none that it was given")

// output stores a record that the module made.
func (r *reading) output(m made) error {
	if r.kind == ArrayMap { // which is given one record
		r.last = 0
		r.results[0].Out = append(r.results[0].Out, m.output(&r.records[0]))
		return nil
	}
	if m.number <= r.last || m.number >= int64(len(r.results)) {
		return errStray
	}
	r.last = m.number
	in := &r.records[m.number]
	if r.kind == Filter {
		*r.outs = append(*r.outs, Output{in.Key, in.Value})
	} else {
		*r.outs = append(*r.outs, m.output(in))
	}
	end := len(*r.outs)
	r.results[m.number].Out = (*r.outs)[end-1 : end : end]
	return nil
}

// output is m, which was made of in. A key that is handed through costs nothing.
func (m *made) output(in *Input) Output {
	if string(m.key) == in.Key {
		return Output{in.Key, m.value}
	}
	return Output{string(m.key), m.value}
}

// end stores what the answer says behind its outputs: that the module failed at a record, or nil. It returns how many records are
// dealt with. The first has the number base.
func (r *reading) end(failed *failure, base int64) (done int, err error) {
	done = len(r.results)
	if failed != nil {
		at := failed.offset - base
		if at < 0 || at >= int64(done) {
			return 0, errors.New("the module reports an error for a record that it was not given")
		}
		done = int(at)
	}
	switch {
	case r.kind == ArrayMap:
	case r.last >= int64(done):
		return 0, errStray
	case r.kind == Map || r.kind == Aggregate:
		for i := range r.results[:done] {
			if r.results[i].Out == nil {
				r.results[i].Err = errors.New("the module made nothing of the record, and one that exports " + string(r.kind) + " must")
			}
		}
	}
	if failed != nil {
		r.results[done] = Result{Err: &refusal{hint: failed.hint}}
		done++
	}
	return done, nil
}
