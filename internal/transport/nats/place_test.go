package nats

import "testing"

func TestTheReplySubjectTellsWhereAMessageStands(t *testing.T) {
	want := place{sequence: 9007, attempt: 3, time: 1_700_000_000_123_456_789, pending: 5}
	tests := []struct {
		name, reply string
		ok          bool
	}{
		{"without a domain", "$JS.ACK.orders.group.3.9007.41.1700000000123456789.5", true},
		{"with a domain and an account", "$JS.ACK.hub.ABC.orders.group.3.9007.41.1700000000123456789.5", true},
		{"with a part more, as newer servers may send", "$JS.ACK.hub.ABC.orders.group.3.9007.41.1700000000123456789.5.Xy", true},
		{"no acknowledgement asked for", "", false},
		{"another subject", "_INBOX.orders.group.3.9007.41.1700000000123456789.5", false},
		{"a part too few", "$JS.ACK.orders.group.3.9007.41.1700000000123456789", false},
		{"a part between the two forms", "$JS.ACK.orders.group.3.9007.41.1700000000123456789.5.6", false},
		{"no number of what is pending", "$JS.ACK.orders.group.3.9007.41.1700000000123456789.x", false},
		{"no number", "$JS.ACK.orders.group.3.x.41.1700000000123456789.5", false},
		{"an empty part", "$JS.ACK.orders.group.3..41.1700000000123456789.5", false},
		{"a number that begins like one", "$JS.ACK.orders.group.3.9007x.41.1700000000123456789.5", false},
		{"a number with a letter in it", "$JS.ACK.orders.group.3.90x07.41.1700000000123456789.5", false},
		{"a number that is too large", "$JS.ACK.orders.group.3.92233720368547758070.41.1700000000123456789.5", false},
		{"a count that is too large", "$JS.ACK.orders.group.4294967296.9007.41.1700000000123456789.5", false},
		{"a negative number", "$JS.ACK.orders.group.-3.9007.41.1700000000123456789.5", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parsePlace(tt.reply)
			if ok != tt.ok || ok && got != want {
				t.Errorf("got %+v, %t", got, ok)
			}
		})
	}
}

func BenchmarkParsePlace(b *testing.B) {
	for b.Loop() {
		parsePlace("$JS.ACK.orders.group.3.9007.41.1700000000123456789.5")
	}
}
