package natsclient

import "testing"

func TestSteers(t *testing.T) {
	for name, want := range map[string]bool{
		"Nats-Msg-Id": true, "NATS-EXPECTED-STREAM": true, "nats-x": true, "Nats": false, "X-Nats-Y": false, OpHeader: false, "": false,
	} {
		if Steers(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
