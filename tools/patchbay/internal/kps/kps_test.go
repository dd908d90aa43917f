package kps

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

func TestAnIngressStreamEndToEnd(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	got := p.subscribe("orders.in")
	p.mustSet(ingress("orders", "orders.in", map[string]any{"count": 50, "stay": true, "token": "canary"}))
	await(t, "50 records", func() bool { return len(got.lines()) == 50 })
	wantNumbers(t, got.lines())
	p.awaitState("orders", pb.State_STATE_HEALTHY)
	streams := p.get(pb.PayloadKind_PAYLOAD_KIND_STREAM)
	if len(streams) != 1 || !streams[0].GetStream().GetSubscribed() || streams[0].GetStream().GetId() != "orders" {
		t.Errorf("GetPayload answers %v", streams)
	}
	if text := streams[0].String() + p.logs.String(); strings.Contains(text, "canary") {
		t.Error("a secret is shown")
	}
	p.stop(syscall.SIGTERM)
	p.start(nil, sourceName)
	p.mustSet(ingress("orders", "orders.in", map[string]any{"count": 80, "stay": true}))
	await(t, "80 records", func() bool { return len(got.lines()) >= 80 })
	if _, twice := wantNumbers(t, got.lines()); twice != 0 {
		t.Errorf("%d records came twice although the adapter was stopped cleanly", twice)
	}
}

func TestAnotherConnectorIsAnInvalidArgument(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	ctx := t.Context()
	get, err := p.client.GetPayload(ctx, &pb.GetPayloadRequest{ConnectorId: "other", Kind: pb.PayloadKind_PAYLOAD_KIND_STREAM})
	if err != nil || get.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_INVALID_ARGUMENT {
		t.Error(get, err)
	}
	set, err := p.client.SetPayload(ctx, &pb.SetPayloadRequest{ConnectorId: "other", Payloads: []*pb.Payload{ingress("a", "a", nil)}})
	if err != nil || set.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_INVALID_ARGUMENT {
		t.Error(set, err)
	}
	events, err := p.client.GetEvents(ctx, &pb.GetEventsRequest{})
	if err != nil || events.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_INVALID_ARGUMENT {
		t.Error(events, err)
	}
	if streams := p.get(pb.PayloadKind_PAYLOAD_KIND_STREAM); streams != nil {
		t.Errorf("a request for another connector has started %v", streams)
	}
}

func TestRequestsThatAreRefusedChangeNothing(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	p.mustSet(ingress("good", "good", map[string]any{"stay": true}))
	p.awaitState("good", pb.State_STATE_HEALTHY)
	tests := []struct {
		name     string
		payloads []*pb.Payload
		want     string
	}{
		{"a stream without an id", []*pb.Payload{ingress("", "a", nil)}, "no id"},
		{"a stream without a channel", []*pb.Payload{ingress("a", "", nil)}, "transport_channel"},
		{"a stream named twice", []*pb.Payload{ingress("a", "a", nil), ingress("a", "b", nil)}, "twice"},
		{"nothing", []*pb.Payload{{}}, "neither a stream nor a config"},
		{"a config key that nobody knows", []*pb.Payload{config(map[string]any{"wrod": "x"})}, "wrod"},
		{"a config key of another class", []*pb.Payload{config(map[string]any{"count": 3})}, "[word]"},
		{"a config value that a connector refuses", []*pb.Payload{config(map[string]any{"word": "UPPER"})}, "small letters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status := p.set(tt.payloads...)
			if status.GetCode() != pb.ResponseCode_RESPONSE_CODE_INVALID_ARGUMENT || !strings.Contains(status.GetMessage(), tt.want) {
				t.Errorf("SetPayload answers %v, want %q", status, tt.want)
			}
			if streams := p.get(pb.PayloadKind_PAYLOAD_KIND_STREAM); len(streams) != 1 || streams[0].GetStream().GetId() != "good" {
				t.Errorf("the streams are now %v", streams)
			}
			if state, _ := p.status("good"); state != pb.State_STATE_HEALTHY {
				t.Errorf("the stream is %v", state)
			}
		})
	}
	resp, err := p.client.GetPayload(t.Context(), &pb.GetPayloadRequest{ConnectorId: connectorID})
	if err != nil || resp.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_INVALID_ARGUMENT {
		t.Error(resp, err)
	}
}

func TestAConfigAloneLeavesTheStreamsAndAnEmptySetStopsThem(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	p.mustSet(ingress("a", "a", map[string]any{"stay": true}), ingress("b", "b", map[string]any{"stay": true}))
	p.awaitState("a", pb.State_STATE_HEALTHY)
	p.awaitState("b", pb.State_STATE_HEALTHY)
	p.mustSet(config(map[string]any{"word": "x"}))
	if streams := p.get(pb.PayloadKind_PAYLOAD_KIND_STREAM); len(streams) != 2 {
		t.Errorf("a config alone leaves %v", streams)
	}
	in := p.get(pb.PayloadKind_PAYLOAD_KIND_CONFIG)
	if len(in) != 1 || in[0].GetConfig().GetMetadata().GetFields()["word"].GetStringValue() != "x" {
		t.Errorf("the config in use is %v", in)
	}
	p.mustSet(config(map[string]any{"word": nil}), ingress("b", "b", map[string]any{"stay": true}))
	if in := p.get(pb.PayloadKind_PAYLOAD_KIND_CONFIG); len(in[0].GetConfig().GetMetadata().GetFields()) != 0 {
		t.Errorf("null leaves %v", in)
	}
	await(t, "one connector", func() bool { return len(p.children()) == 1 })
	await(t, "the events of the other to be forgotten", func() bool { state, _ := p.status("a"); return state == 0 })
	p.mustSet()
	await(t, "no connector", func() bool { return len(p.children()) == 0 })
}

func TestBadOptionsOfOneStreamLeaveTheOthers(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	tests := []struct {
		id      string
		payload *pb.Payload
		want    string
	}{
		{"typo", ingress("typo", "typo", map[string]any{"coutn": 3}), "count"},
		{"value", ingress("value", "value", map[string]any{"count": "many"}), "expected a number"},
		{"static", ingress("static", "static", map[string]any{"home": "x"}), "NUMBERS_SOURCE_HOME"},
		{"shared", ingress("shared", "shared", map[string]any{"max_in_flight": 3}), "PATCHBAY_MAX_IN_FLIGHT"},
		{"config", ingress("config", "config", map[string]any{"word": "x"}), "set by the config"},
		{"channel", ingress("channel", "not a subject", nil), "not a subject"},
		{"direction", egress("direction", "direction", nil), "no connector here serves this direction"},
	}
	payloads := []*pb.Payload{ingress("good", "good", map[string]any{"stay": true})}
	for _, tt := range tests {
		payloads = append(payloads, tt.payload)
	}
	p.mustSet(payloads...)
	p.awaitState("good", pb.State_STATE_HEALTHY)
	for _, tt := range tests {
		p.awaitState(tt.id, pb.State_STATE_FAILED)
		if _, text := p.status(tt.id); !strings.Contains(text, tt.want) {
			t.Errorf("%s: the status says %q, not %q", tt.id, text, tt.want)
		}
		if a := p.alert(tt.id, streamFailed); a.GetSeverity() != pb.Severity_SEVERITY_CRITICAL || a.GetMetadata().GetFields()["StreamID"].GetStringValue() != tt.id {
			t.Errorf("%s: the alert is %v", tt.id, a)
		}
	}
	if n := len(p.children()); n != 1 {
		t.Errorf("%d connectors run", n)
	}
	// The platform mends one of them.
	p.mustSet(payloads[0], ingress("typo", "typo", map[string]any{"count": 3, "stay": true}))
	p.awaitState("typo", pb.State_STATE_HEALTHY)
}

func TestASourceThatIsDoneIsToldSo(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	got := p.subscribe("a")
	p.mustSet(ingress("a", "a", map[string]any{"count": 5}))
	p.awaitState("a", pb.State_STATE_PROVISIONED)
	await(t, "the end", func() bool {
		return slices.ContainsFunc(p.events(), func(e *pb.EventPayload) bool { return e.GetStatus().GetId() == streamEnded })
	})
	await(t, "5 records", func() bool { return len(got.lines()) == 5 })
}

func TestFlagsAreForAllStreams(t *testing.T) {
	p := newPlatform(t, nil, sourceName, sinkName, "--count", "3", "--log-level=warn")
	got := p.subscribe("a")
	p.mustSet(ingress("a", "a", nil), ingress("b", "b", map[string]any{"count": 4}))
	await(t, "3 records", func() bool { return len(got.lines()) == 3 })
}
