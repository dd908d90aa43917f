package observe

import (
	"io"
	"strconv"
	"strings"
)

// contentType is that of the text format which every version of Prometheus reads.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// Write writes the metrics of several instances of this process, and those of the process itself, in the text format of
// Prometheus. It calls the functions that tell of lag, age and what is in flight.
func Write(w io.Writer, all ...*Metrics) error {
	var e exposition
	for i := range families {
		f := &families[i]
		e.family(f.name, f.kind, f.help, func() {
			for _, m := range all {
				if f.has(m.info.Direction) {
					f.write(&e, m)
				}
			}
		})
	}
	e.process(readProcess())
	_, err := w.Write(e.text)
	return err
}

// An exposition is metrics in the text format.
type exposition struct {
	text []byte
	name string // of the family that is being written
}

// family writes a family: its description, and the samples that write adds. Without samples nothing is written.
func (e *exposition) family(name string, k kind, help string, write func()) {
	start := len(e.text)
	help = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)
	e.text = append(e.text, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+string(k)+"\n"...)
	head := len(e.text)
	e.name = name
	if write(); len(e.text) == head {
		e.text = e.text[:start]
	}
}

// sample writes one line. Labels that are empty are left out.
func (e *exposition) sample(suffix string, value float64, labels ...string) {
	e.text = append(e.text, e.name...)
	e.text = append(e.text, suffix...)
	sep := byte('{')
	for _, l := range labels {
		if l != "" {
			e.text = append(append(e.text, sep), l...)
			sep = ','
		}
	}
	if sep == ',' {
		e.text = append(e.text, '}')
	}
	e.text = append(e.text, ' ')
	e.text = strconv.AppendFloat(e.text, value, 'f', -1, 64)
	e.text = append(e.text, '\n')
}

// histogram writes the lines of a histogram, with its values divided by unit.
func (e *exposition) histogram(h *histogram, unit float64, labels string) {
	var total uint64
	for i := range h.buckets {
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = strconv.FormatFloat(float64(h.bounds[i])/unit, 'f', -1, 64)
		}
		total += h.buckets[i].Load()
		e.sample("_bucket", float64(total), labels, `le="`+bound+`"`)
	}
	e.sample("_sum", float64(h.sum.Load())/unit, labels)
	e.sample("_count", float64(total), labels)
}
