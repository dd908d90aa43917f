package observe

import (
	"runtime"
	"time"
)

// kind is the type of a metric, as Prometheus calls it.
type kind string

const (
	counter kind = "counter"
	gauge   kind = "gauge"
	buckets kind = "histogram"
)

// microseconds are how many of them make a second, the unit in which durations are shown.
const microseconds = 1e6

// A family is the definition of one metric. The names follow the custom: base units, the unit before _total, no total
// that makes no sense.
type family struct {
	name  string
	kind  kind
	unit  string
	of    string // source or sink where only one has it
	help  string
	write func(e *exposition, m *Metrics)
}

// families are the metrics of an instance, in the order in which they are shown.
var families = []family{
	{
		"patchbay_build_info", gauge, "", "",
		"Always 1; the labels say what runs: connector, version, direction, topic, go_version.",
		func(e *exposition, m *Metrics) {
			e.sample("", 1, m.labels, label("connector", m.info.Connector), label("version", m.info.Version),
				label("direction", m.info.Direction), label("topic", m.info.Topic), label("go_version", runtime.Version()))
		},
	},
	{
		"patchbay_ready", gauge, "", "", "1 when every part is up, else 0: what /readyz says.",
		func(e *exposition, m *Metrics) { e.sample("", truth(len(m.health.failures()) == 0), m.labels) },
	},
	{
		"patchbay_up", gauge, "", "", "1 when the part works, else 0; the label part is session, broker or system.",
		func(e *exposition, m *Metrics) {
			for p := range parts {
				e.sample("", truth(m.health.up[p].Load()), m.labels, label("part", p.String()))
			}
		},
	},
	{
		"patchbay_session_restarts_total", counter, "sessions", "",
		"Sessions that were started because the one before failed.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.restarts.Load()), m.labels) },
	},
	{
		"patchbay_received_records_total", counter, "records", "",
		"Records that came in: sent by the source, or read from the topic for the sink; before the transforms.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.received.Load()), m.labels) },
	},
	{
		"patchbay_received_bytes_total", counter, "bytes", "",
		"Bytes of payload, key and headers in the records that came in.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.receivedBytes.Load()), m.labels) },
	},
	{
		"patchbay_delivered_records_total", counter, "records", "",
		"Records that arrived: acknowledged by the topic of the source, or written by the sink; after the transforms.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.delivered.Load()), m.labels) },
	},
	{
		"patchbay_delivered_bytes_total", counter, "bytes", "",
		"Bytes of payload, key and headers in the records that arrived.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.deliveredBytes.Load()), m.labels) },
	},
	{
		"patchbay_filtered_records_total", counter, "records", "", "Records that the transforms dropped.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.filtered.Load()), m.labels) },
	},
	{
		"patchbay_skipped_records_total", counter, "records", "",
		"Records that failed and were given up (`--on-error skip`).",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.skipped.Load()), m.labels) },
	},
	{
		"patchbay_dead_lettered_records_total", counter, "records", "",
		"Records that failed and that the dead-letter topic has (`--on-error dead-letter`).",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.deadLettered.Load()), m.labels) },
	},
	{
		"patchbay_retried_records_total", counter, "records", "",
		"Further tries to deliver a record, each of them counted.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.retried.Load()), m.labels) },
	},
	{
		"patchbay_in_flight_records", gauge, "records", "", "Records on their way: not acknowledged yet.",
		func(e *exposition, m *Metrics) {
			if f := m.inFlight.Load(); f != nil {
				records, _ := (*f)()
				e.sample("", float64(records), m.labels)
			}
		},
	},
	{
		"patchbay_in_flight_bytes", gauge, "bytes", "", "Bytes in the records on their way.",
		func(e *exposition, m *Metrics) {
			if f := m.inFlight.Load(); f != nil {
				_, bytes := (*f)()
				e.sample("", float64(bytes), m.labels)
			}
		},
	},
	{
		"patchbay_batch_records", buckets, "records", "", "Records handed over in one call: by the source, or to the sink.",
		func(e *exposition, m *Metrics) { e.histogram(m.batches, 1, m.labels) },
	},
	{
		"patchbay_publish_duration_seconds", buckets, "seconds", "source",
		"Time from handing a record to the topic until it is acknowledged, further tries included.",
		func(e *exposition, m *Metrics) { e.histogram(m.latency, microseconds, m.labels) },
	},
	{
		"patchbay_write_duration_seconds", buckets, "seconds", "sink",
		"Time from handing a batch to the sink until its last record is acknowledged or has failed.",
		func(e *exposition, m *Metrics) { e.histogram(m.latency, microseconds, m.labels) },
	},
	{
		"patchbay_position_save_duration_seconds", buckets, "seconds", "source",
		"Time that saving the position took; the count is the number of saves.",
		func(e *exposition, m *Metrics) { e.histogram(m.saves, microseconds, m.labels) },
	},
	{
		"patchbay_position_save_errors_total", counter, "saves", "source",
		"Saves of the position that failed; each is tried again.",
		func(e *exposition, m *Metrics) { e.sample("", float64(m.saveErrors.Load()), m.labels) },
	},
	{
		"patchbay_position_age_seconds", gauge, "seconds", "source",
		"Time for which the oldest delivery has been waiting for its position to be saved; 0 when all are saved.",
		func(e *exposition, m *Metrics) {
			if age, known := m.ageNow(); known {
				e.sample("", age.Seconds(), m.labels)
			}
		},
	},
	{
		"patchbay_consumer_lag_records", gauge, "records", "sink",
		"Records that the topic holds and that the sink has not read yet; absent where the topic cannot tell.",
		func(e *exposition, m *Metrics) {
			if records, known := m.lagNow(); known {
				e.sample("", float64(records), m.labels)
			}
		},
	},
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (m *Metrics) lagNow() (records int64, known bool) {
	if f := m.lag.Load(); f != nil {
		return (*f)()
	}
	return 0, false
}

func (m *Metrics) ageNow() (age time.Duration, known bool) {
	if f := m.positionAge.Load(); f != nil {
		return (*f)()
	}
	return 0, false
}

// has reports whether an instance that runs in a direction has the metric.
func (f *family) has(direction string) bool {
	return f.of == "" || direction == "" || f.of == direction
}
