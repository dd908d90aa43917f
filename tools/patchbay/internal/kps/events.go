package kps

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// The ids of events. Those of the platform's own connectors mean the same here.
const (
	publishFailed     = "transportPublishFailed"     // alert: records cannot be published, or can again
	subscribeFailed   = "transportSubscribeFailed"   // alert: the channel cannot be subscribed to, or can again
	unsubscribeFailed = "transportUnsubscribeFailed" // alert
	messageRefused    = "transportMessageRefused"    // alert: a message on the channel is no TransportMessage
	streamFailed      = "streamFailed"               // alert and status: the options are refused, or the connector has given up
	streamStarted     = "streamStarted"              // status: the connector runs with the stream's options
	streamHealthy     = "streamHealthy"              // status
	streamUnhealthy   = "streamUnhealthy"            // status
	streamEnded       = "streamEnded"                // status: the source has no more, and all of it is delivered
)

// events keeps the newest alert and the newest status of each id and stream. It is safe for concurrent use.
type events struct {
	mu   sync.Mutex
	kept []event // the newest last
}

type event struct {
	id, stream string
	alert      bool
	payload    *pb.EventPayload
}

// alert raises an alert. reason may be nil.
func (e *events) alert(stream, id string, severity pb.Severity, state pb.State, message string, reason error) {
	e.keep(event{id, stream, true, &pb.EventPayload{Object: &pb.EventPayload_Alert{Alert: &pb.Alert{
		Id: id, StreamId: stream, Message: message, Severity: severity, State: state,
		CreatedAt: timestamppb.Now(), Metadata: details(stream, message, reason),
	}}}})
}

// status says how a stream is. reason may be nil.
func (e *events) status(stream, id string, state pb.State, message string, reason error) {
	e.keep(event{id, stream, false, &pb.EventPayload{Object: &pb.EventPayload_Status{Status: &pb.Status{
		Id: id, StreamId: stream, Message: message, State: state,
		CreatedAt: timestamppb.Now(), Metadata: details(stream, message, reason),
	}}}})
}

func (e *events) keep(n event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = slices.DeleteFunc(e.kept, func(o event) bool { return o.id == n.id && o.stream == n.stream && o.alert == n.alert })
	e.kept = append(e.kept, n)
}

// forget drops what was said of a stream that is gone, except that it did not go well.
func (e *events) forget(stream string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = slices.DeleteFunc(e.kept, func(o event) bool { return o.stream == stream && o.id != unsubscribeFailed })
}

// list returns all that is kept, the oldest first. The events are not to be changed.
func (e *events) list() []*pb.EventPayload {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []*pb.EventPayload
	for _, n := range e.kept {
		out = append(out, n.payload)
	}
	return out
}

// details makes the metadata of an event, whose keys are the platform's.
func details(stream, message string, reason error) *structpb.Struct {
	text := func(s string) *structpb.Value { return structpb.NewStringValue(connector.OneLine(s)) }
	fields := map[string]*structpb.Value{"StreamID": text(stream), "ExtraMessage": text(message)}
	if reason != nil {
		fields["ErrorMessage"] = text(reason.Error())
	}
	return &structpb.Struct{Fields: fields}
}
