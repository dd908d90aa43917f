package kps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// A service answers the platform. What goes wrong is told in the status of the answer, as the platform expects it, and not
// as an error of the call.
type service struct {
	pb.UnimplementedConnectorServiceServer
	connectorID string
	desired     *desired
	discovery   *discovery
}

// GetPayload implements pb.ConnectorServiceServer. Streams are those that run, and those that the connectors have found. Secrets
// are left out of the answer.
func (s *service) GetPayload(ctx context.Context, req *pb.GetPayloadRequest) (*pb.GetPayloadResponse, error) {
	if status := s.check(req.GetConnectorId()); status != nil {
		return &pb.GetPayloadResponse{Status: status}, nil
	}
	resp := &pb.GetPayloadResponse{Status: done()}
	switch req.GetKind() {
	case pb.PayloadKind_PAYLOAD_KIND_STREAM:
		found := s.discovery.streams(ctx)
		for _, spec := range s.desired.specs() {
			spec = proto.CloneOf(spec)
			spec.Subscribed = true
			key := foundKey{spec.GetDirection(), spec.GetId()}
			spec.Discovered = found[key] != nil
			found[key] = spec
		}
		for _, key := range slices.SortedFunc(maps.Keys(found), foundKey.compare) {
			spec := found[key]
			s.desired.hide(spec.GetDirection(), spec.GetMetadata())
			resp.Payloads = append(resp.Payloads, &pb.Payload{Object: &pb.Payload_Stream{Stream: spec}})
		}
	case pb.PayloadKind_PAYLOAD_KIND_CONFIG:
		metadata, err := structpb.NewStruct(s.desired.inUse())
		if err != nil { // it was made of a Struct
			return nil, err
		}
		for direction := range s.desired.sides {
			s.desired.hide(direction, metadata)
		}
		resp.Payloads = []*pb.Payload{{Object: &pb.Payload_Config{Config: &pb.Config{Metadata: metadata}}}}
	default:
		resp.Status = invalid("kind: say PAYLOAD_KIND_STREAM or PAYLOAD_KIND_CONFIG")
	}
	return resp, nil
}

// hide takes secrets out of metadata.
func (d *desired) hide(direction pb.StreamDirection, metadata *structpb.Struct) {
	if side := d.sides[direction]; side != nil {
		maps.DeleteFunc(metadata.GetFields(), func(key string, _ *structpb.Value) bool { return side.program.Options[flagName(key)].Secret })
	}
}

// SetPayload implements pb.ConnectorServiceServer. Streams are replaced as a set if there are any, or if the request has no
// payload at all, which wants none; a request with a config alone leaves them as they are.
func (s *service) SetPayload(ctx context.Context, req *pb.SetPayloadRequest) (*pb.SetPayloadResponse, error) {
	if status := s.check(req.GetConnectorId()); status != nil {
		return &pb.SetPayloadResponse{Status: status}, nil
	}
	config := map[string]any{}
	var specs []*pb.Stream
	seen := map[string]bool{}
	for i, p := range req.GetPayloads() {
		switch {
		case p.GetConfig() != nil:
			for key, value := range p.GetConfig().GetMetadata().AsMap() {
				config[flagName(key)] = value
			}
		case p.GetStream() != nil:
			spec := p.GetStream()
			if problem := wrong(spec, seen); problem != "" {
				return &pb.SetPayloadResponse{Status: invalid(fmt.Sprintf("payload %d: %s", i+1, problem))}, nil
			}
			seen[spec.GetId()] = true
			specs = append(specs, spec)
		default:
			return &pb.SetPayloadResponse{Status: invalid(fmt.Sprintf("payload %d: it holds neither a stream nor a config", i+1))}, nil
		}
	}
	switch err := s.desired.set(ctx, config, specs, specs != nil || len(req.GetPayloads()) == 0); {
	case errors.Is(err, errClosed):
		return &pb.SetPayloadResponse{Status: &pb.ResponseStatus{Code: pb.ResponseCode_RESPONSE_CODE_UNAVAILABLE, Message: err.Error()}}, nil
	case err != nil:
		return &pb.SetPayloadResponse{Status: invalid(strings.ReplaceAll(err.Error(), "\n", "; "))}, nil
	}
	return &pb.SetPayloadResponse{Status: done()}, nil
}

// wrong says why a stream cannot be told from others, or cannot be one at all. What is wrong with its options or its
// direction is told by events: it concerns no other stream.
func wrong(spec *pb.Stream, seen map[string]bool) string {
	switch {
	case spec.GetId() == "":
		return "the stream has no id"
	case seen[spec.GetId()]:
		return fmt.Sprintf("the stream %s is named twice", connector.OneLine(spec.GetId()))
	case spec.GetTransportChannel() == "":
		return fmt.Sprintf("the stream %s has no transport_channel", connector.OneLine(spec.GetId()))
	}
	return ""
}

// GetEvents implements pb.ConnectorServiceServer.
func (s *service) GetEvents(_ context.Context, req *pb.GetEventsRequest) (*pb.GetEventsResponse, error) {
	if status := s.check(req.GetConnectorId()); status != nil {
		return &pb.GetEventsResponse{Status: status}, nil
	}
	return &pb.GetEventsResponse{Status: done(), EventPayloads: s.desired.events.list()}, nil
}

// check returns the answer to a request that is meant for another connector.
func (s *service) check(connectorID string) *pb.ResponseStatus {
	if connectorID != s.connectorID {
		return invalid(fmt.Sprintf("connector_id: %q is not this connector, which is %q (CONNECTOR_INSTANCE_ID)",
			connector.OneLine(connectorID), s.connectorID))
	}
	return nil
}

func invalid(message string) *pb.ResponseStatus {
	return &pb.ResponseStatus{Code: pb.ResponseCode_RESPONSE_CODE_INVALID_ARGUMENT, Message: message}
}

func done() *pb.ResponseStatus { return &pb.ResponseStatus{Code: pb.ResponseCode_RESPONSE_CODE_OK} }

var _ pb.ConnectorServiceServer = (*service)(nil)
