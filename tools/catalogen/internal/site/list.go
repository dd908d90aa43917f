package site

import (
	"cmp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// A listPage is the data of index.html.
type listPage struct {
	shell
	Cards   []card
	Retired []Retired
	Facets  []facet
	Sources int
	Sinks   int
	Tests   int
}

// A card is one connector in the list. The fields that only the search reads are lists of words.
type card struct {
	Name        string
	Direction   metadata.Direction
	Version     string
	Stability   metadata.Stability
	Category    string
	Description string
	Aliases     string
	Options     string
	Shared      string
}

// A facet is a filter with its values.
type facet struct {
	Key    string
	Title  string
	Values []facetValue
}

// A facetValue is one value of a filter and how many connectors have it.
type facetValue struct {
	Value string
	Count int
}

// renderList adds the list of connectors, whose cards are in the order of their names.
func (s *site) renderList(cards []card) error {
	page := listPage{shell: s.shell("index.html", "Connectors", "Sources and sinks, each built, asked and tested."), Cards: cards}
	index := metadata.Index{Connectors: []metadata.Entry{}}
	page.Retired = s.retired
	for _, r := range s.retired {
		index.Retired = append(index.Retired, r.Retirement)
	}
	for _, conn := range s.connectors {
		for _, suite := range suites(conn.Entry.Evidence) {
			page.Tests += suite.Passed()
		}
		if conn.Document.Direction == metadata.Source {
			page.Sources++
		} else {
			page.Sinks++
		}
		index.Connectors = append(index.Connectors, conn.Entry)
	}
	page.Facets = facets(page.Cards)
	slices.SortStableFunc(page.Cards, func(a, b card) int { // what is going away stands last
		return cmp.Or(cmp.Compare(rank(a.Stability), rank(b.Stability)), strings.Compare(a.Name, b.Name))
	})
	if err := s.addJSON("index.json", index); err != nil {
		return err
	}
	return s.addPage("index.html", "index.html.tmpl", page)
}

func newCard(p product) card {
	doc := p.Document
	c := card{
		Name: doc.Name, Direction: doc.Direction, Version: doc.Version, Stability: doc.Stability,
		Category: doc.Category, Description: doc.Description, Aliases: strings.Join(aliases(doc.Name), " "),
	}
	var own, shared []string
	for _, o := range p.releases[0].options {
		switch {
		case o.hidden:
		case o.Shared:
			shared = append(shared, o.Name)
		default:
			own = append(own, o.Name)
		}
	}
	c.Options, c.Shared = strings.Join(own, " "), strings.Join(shared, " ")
	return c
}

func rank(s metadata.Stability) int {
	if s == metadata.Deprecated {
		return 1
	}
	return 0
}

// facets counts the values of each filter, directions and stabilities in their natural order, categories by name.
func facets(cards []card) []facet {
	count := func(key, title string, of func(card) string, order []string) facet {
		counts := map[string]int{}
		for _, c := range cards {
			if value := of(c); value != "" {
				counts[value]++
			}
		}
		f := facet{Key: key, Title: title}
		for value, n := range counts {
			f.Values = append(f.Values, facetValue{value, n})
		}
		place := func(v facetValue) int {
			if i := slices.Index(order, v.Value); i >= 0 {
				return i
			}
			return len(order)
		}
		slices.SortFunc(f.Values, func(a, b facetValue) int {
			return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a.Value, b.Value))
		})
		return f
	}
	return []facet{
		count("direction", "Direction", func(c card) string { return string(c.Direction) }, []string{"source", "sink"}),
		count("category", "Category", func(c card) string { return c.Category }, nil),
		count("stability", "Stability", func(c card) string { return string(c.Stability) },
			[]string{"stable", "beta", "experimental", "deprecated"}),
	}
}

// protocolAliases are other words that people look for a connector by, keyed by a word of its name.
var protocolAliases = map[string][]string{
	"amqp":       {"rabbitmq", "queue"},
	"clickhouse": {"olap", "columnar", "warehouse"},
	"dynamodb":   {"aws", "amazon", "nosql"},
	"file":       {"tail", "log", "jsonl", "ndjson", "disk"},
	"generate":   {"mock", "fake", "synthetic", "sample", "demo", "load"},
	"http":       {"https", "rest", "api", "web", "poll", "json"},
	"imap":       {"email", "mail", "inbox"},
	"influx":     {"influxdb", "metrics", "time series", "line protocol"},
	"influxdb":   {"metrics", "time series", "line protocol"},
	"kafka":      {"redpanda", "streaming", "topic"},
	"mariadb":    {"mysql", "sql", "cdc", "binlog"},
	"mqtt":       {"iot", "mosquitto", "sensor", "paho"},
	"mysql":      {"mariadb", "sql", "cdc", "binlog"},
	"nats":       {"jetstream", "pubsub"},
	"postgres":   {"postgresql", "pg", "sql", "cdc", "wal"},
	"redis":      {"valkey", "cache", "streams"},
	"s3":         {"aws", "amazon", "minio", "bucket", "object storage", "blob"},
	"slack":      {"chat", "webhook", "notify"},
	"smtp":       {"email", "mail"},
	"sqlite":     {"sql", "database"},
	"sse":        {"eventsource", "server-sent events"},
	"stdout":     {"console", "terminal", "print", "pipe", "debug"},
	"syslog":     {"log", "rfc5424", "rsyslog"},
	"webhook":    {"http", "callback", "hook"},
	"websocket":  {"ws", "wss"},
}

// aliases gives other words for a connector's name.
func aliases(name string) []string {
	var list []string
	for _, word := range strings.Split(name, "-") {
		list = append(list, protocolAliases[word]...)
	}
	return list
}
