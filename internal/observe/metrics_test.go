package observe

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// gather writes metrics and reads them as Prometheus does.
func gather(t *testing.T, all ...*Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	var text bytes.Buffer
	if err := Write(&text, all...); err != nil {
		t.Fatal(err)
	}
	return parse(t, text.String())
}

func parse(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("Prometheus cannot read this: %v\n%s", err, text)
	}
	return families
}

// value returns the value of the only series of a family, or of the one that has a label of the given value.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	f := families[name]
	if f == nil {
		t.Fatalf("there is no %s", name)
	}
	for _, m := range f.Metric {
		has := map[string]bool{}
		for _, l := range m.Label {
			has[l.GetValue()] = true
		}
		for _, l := range labels {
			if !has[l] {
				m = nil
				break
			}
		}
		switch {
		case m == nil:
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Gauge != nil:
			return m.Gauge.GetValue()
		}
	}
	t.Fatalf("%s has no series with %q", name, labels)
	return 0
}

func newTestMetrics(direction string) *Metrics {
	return NewMetrics(Info{
		Name: "orders", Connector: "http-" + direction, Version: "1.2.3", Direction: direction, Topic: "orders",
	})
}

func TestCountersCount(t *testing.T) {
	tests := []struct {
		metric string
		count  func(m *Metrics)
		want   float64
	}{
		{"patchbay_received_records_total", func(m *Metrics) { m.Received(3, 300); m.Received(1, 1) }, 4},
		{"patchbay_received_bytes_total", func(m *Metrics) { m.Received(3, 300); m.Received(1, 1) }, 301},
		{"patchbay_delivered_records_total", func(m *Metrics) { m.Delivered(2, 20) }, 2},
		{"patchbay_delivered_bytes_total", func(m *Metrics) { m.Delivered(2, 20) }, 20},
		{"patchbay_filtered_records_total", func(m *Metrics) { m.Filtered(5) }, 5},
		{"patchbay_skipped_records_total", func(m *Metrics) { m.Skipped(6) }, 6},
		{"patchbay_dead_lettered_records_total", func(m *Metrics) { m.DeadLettered(7) }, 7},
		{"patchbay_retried_records_total", func(m *Metrics) { m.Retried(8) }, 8},
		{"patchbay_session_restarts_total", func(m *Metrics) { m.Restarted() }, 1},
		{"patchbay_position_save_errors_total", func(m *Metrics) { m.Saved(m.Start(), errors.New("disk full")) }, 1},
		{"patchbay_in_flight_records", func(m *Metrics) { m.OnInFlight(func() (int, int64) { return 9, 900 }) }, 9},
		{"patchbay_in_flight_bytes", func(m *Metrics) { m.OnInFlight(func() (int, int64) { return 9, 900 }) }, 900},
		{"patchbay_position_age_seconds", func(m *Metrics) {
			m.OnPositionAge(func() (time.Duration, bool) { return 1500 * time.Millisecond, true })
		}, 1.5},
		{"patchbay_received_records_total", func(m *Metrics) { m.Received(math.MaxInt32, 0) }, math.MaxInt32},
	}
	for _, tt := range tests {
		t.Run(tt.metric, func(t *testing.T) {
			m := newTestMetrics("source")
			before := gather(t, m)
			if f := before[tt.metric]; f != nil && f.GetType() == dto.MetricType_COUNTER && value(t, before, tt.metric) != 0 {
				t.Errorf("%s does not begin at 0", tt.metric)
			}
			tt.count(m)
			if got := value(t, gather(t, m), tt.metric, "orders"); got != tt.want {
				t.Errorf("%s = %v, want %v", tt.metric, got, tt.want)
			}
		})
	}
}

func TestHistogramsCountBySize(t *testing.T) {
	m := newTestMetrics("sink")
	for _, records := range []int{1, 1, 2, 3, 100_000, 100_001} {
		m.Batch(records)
	}
	h := gather(t, m)["patchbay_batch_records"].Metric[0].Histogram
	if h.GetSampleCount() != 6 || h.GetSampleSum() != 200_008 {
		t.Errorf("count %d, sum %v", h.GetSampleCount(), h.GetSampleSum())
	}
	got := map[float64]uint64{}
	for _, b := range h.Bucket {
		got[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	want := map[float64]uint64{
		1: 2, 2: 3, 5: 4, 10: 4, 20: 4, 50: 4, 100: 4, 200: 4, 500: 4, 1000: 4, 2000: 4, 5000: 4, 10000: 4, 100000: 5,
		math.Inf(1): 6,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
}

func TestLatenciesAreInSeconds(t *testing.T) {
	m := newTestMetrics("source")
	m.Latency(m.Start() - Stamp(2*time.Second))
	m.Saved(m.Start()-Stamp(3*time.Millisecond), nil)
	m.Latency(0) // a stamp that was never taken
	families := gather(t, m)
	for name, want := range map[string]float64{
		"patchbay_publish_duration_seconds": 2, "patchbay_position_save_duration_seconds": 0.003,
	} {
		h := families[name].Metric[0].Histogram
		if h.GetSampleCount() != 1 || h.GetSampleSum() < want || h.GetSampleSum() > want+1 {
			t.Errorf("%s: count %d, sum %v, want 1 of %v", name, h.GetSampleCount(), h.GetSampleSum(), want)
		}
		if first := h.Bucket[0]; first.GetUpperBound() != 0.00025 || first.GetCumulativeCount() != 0 {
			t.Errorf("%s: first bucket %v", name, first)
		}
	}
}

func TestEachDirectionHasItsOwn(t *testing.T) {
	tests := []struct{ direction, has, hasNot string }{
		{"source", "patchbay_publish_duration_seconds", "patchbay_write_duration_seconds"},
		{"sink", "patchbay_write_duration_seconds", "patchbay_publish_duration_seconds"},
		{"sink", "patchbay_consumer_lag_records", "patchbay_position_age_seconds"},
		{"", "patchbay_write_duration_seconds", "patchbay_position_age_seconds"}, // which is not known here
	}
	for _, tt := range tests {
		m := newTestMetrics(tt.direction)
		m.OnLag(func() (int64, bool) { return 1, true })
		m.OnPositionAge(func() (time.Duration, bool) { return 0, false })
		families := gather(t, m)
		if families[tt.has] == nil {
			t.Errorf("%q: there is no %s", tt.direction, tt.has)
		}
		if families[tt.hasNot] != nil {
			t.Errorf("%q: there is a %s", tt.direction, tt.hasNot)
		}
	}
}

func TestFunctionsAreAskedWhenSomebodyLooks(t *testing.T) {
	m := newTestMetrics("sink")
	lag, known := int64(5), true
	m.OnLag(func() (int64, bool) { return lag, known })
	if got := value(t, gather(t, m), "patchbay_consumer_lag_records"); got != 5 {
		t.Errorf("lag %v", got)
	}
	lag = 7
	if got := value(t, gather(t, m), "patchbay_consumer_lag_records"); got != 7 {
		t.Errorf("lag %v, want the new one", got)
	}
	known = false
	var text bytes.Buffer
	if err := Write(&text, m); err != nil || strings.Contains(text.String(), "patchbay_consumer_lag_records") {
		t.Errorf("a lag is shown that is not known (%v)", err)
	}
	known = true
	m.OnLag(nil)
	if gather(t, m)["patchbay_consumer_lag_records"] != nil {
		t.Error("a lag is shown that nobody tells any more")
	}
}

func TestSeveralInstancesShareFamilies(t *testing.T) {
	odd := NewMetrics(Info{Name: "a \"b\"\\\nc", Connector: "file-sink", Direction: "sink"})
	source := newTestMetrics("source")
	source.Delivered(2, 2)
	odd.Delivered(3, 3)
	families := gather(t, source, odd) // a family that comes twice cannot be parsed
	if got := value(t, families, "patchbay_delivered_records_total", "orders"); got != 2 {
		t.Errorf("the first has %v", got)
	}
	if got := value(t, families, "patchbay_delivered_records_total", "a \"b\"\\\nc"); got != 3 {
		t.Errorf("the second has %v", got)
	}
	if got := value(t, families, "patchbay_build_info", "http-source", "1.2.3", "source", "orders"); got != 1 {
		t.Errorf("build info %v", got)
	}
	if n := len(families["process_cpu_seconds_total"].Metric); n != 1 {
		t.Errorf("the process is shown %d times", n)
	}
}

func TestProcessTellsOfItself(t *testing.T) {
	families := gather(t)
	started := time.Unix(int64(value(t, families, "process_start_time_seconds")), 0)
	if time.Since(started).Abs() > time.Hour {
		t.Errorf("the process started at %v", started)
	}
	for _, name := range []string{
		"process_resident_memory_bytes", "process_open_fds", "process_max_fds", "go_goroutines", "go_memstats_sys_bytes",
	} {
		if got := value(t, families, name); got <= 0 {
			t.Errorf("%s = %v", name, got)
		}
	}
	if cpu := value(t, families, "process_cpu_seconds_total"); cpu < 0 || cpu > 3600 {
		t.Errorf("CPU time %v", cpu)
	}
}

func TestNobodyHasToAskWhetherMetricsAreWanted(t *testing.T) {
	var m *Metrics
	exercise(m)
	m.OnInFlight(func() (int, int64) { return 0, 0 })
	m.OnLag(nil)
	m.OnPositionAge(nil)
	m.Down(System, errors.New("refused"))
	if m.Start() != 0 {
		t.Error("the clock was read")
	}
}

// exercise calls what is called per record or per batch.
func exercise(m *Metrics) {
	start := m.Start()
	m.Received(1, 256)
	m.Delivered(1, 256)
	m.Filtered(1)
	m.Skipped(1)
	m.DeadLettered(1)
	m.Retried(1)
	m.Restarted()
	m.Batch(500)
	m.Latency(start)
	m.Saved(start, nil)
	m.Up(Broker)
}

func TestCountingDoesNotAllocate(t *testing.T) {
	for name, m := range map[string]*Metrics{"with metrics": newTestMetrics("source"), "without": nil} {
		if n := testing.AllocsPerRun(100, func() { exercise(m) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkRecord is what a source spends on a record.
func BenchmarkRecord(b *testing.B) {
	for _, bb := range []struct {
		name string
		m    *Metrics
	}{{"with metrics", newTestMetrics("source")}, {"without", nil}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				start := bb.m.Start()
				bb.m.Received(1, 256)
				bb.m.Delivered(1, 256)
				bb.m.Latency(start)
				bb.m.Up(Broker)
			}
		})
	}
}
