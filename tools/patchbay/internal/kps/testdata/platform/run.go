package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// serves is the part of a connector's log that says where it serves.
var serves = regexp.MustCompile(`address=(\S+)`)

// A finder is the log of a connector. It hands on what is written, and says where the connector serves.
type finder struct {
	found chan string // has room for one
	done  bool
}

// Write implements io.Writer. A log is written line by line.
func (f *finder) Write(b []byte) (int, error) {
	if match := serves.FindSubmatch(b); match != nil && !f.done {
		f.done = true
		f.found <- string(match[1])
	}
	return os.Stderr.Write(b)
}

// runConnector starts a connector, sets the payload on standard input, waits until each of its streams has ended, and stops the
// connector. It fails if the connector does, or if a stream does.
func runConnector(ctx context.Context, argv []string) (err error) {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var request pb.SetPayloadRequest
	if err := protojson.Unmarshal(text, &request); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	log := &finder{found: make(chan string, 1)}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var address string
	select {
	case address = <-log.found:
	case err := <-ended:
		return fmt.Errorf("the connector does not serve: %w", err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
		err = errors.Join(err, <-ended)
	}()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	client := pb.NewConnectorServiceClient(conn)
	answer, err := client.SetPayload(ctx, &request)
	if err != nil {
		return err
	}
	if answer.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_OK {
		return errors.New(answer.GetStatus().GetMessage())
	}
	return awaitStreams(ctx, client, &request)
}

// awaitStreams waits until each stream of a request has ended.
func awaitStreams(ctx context.Context, client pb.ConnectorServiceClient, request *pb.SetPayloadRequest) error {
	streams := 0
	for _, p := range request.GetPayloads() {
		if p.GetStream() != nil {
			streams++
		}
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		events, err := client.GetEvents(ctx, &pb.GetEventsRequest{ConnectorId: request.GetConnectorId()})
		if err != nil {
			return err
		}
		ended := 0
		for _, event := range events.GetEventPayloads() {
			switch status := event.GetStatus(); {
			case status.GetState() == pb.State_STATE_FAILED:
				return errors.New(status.GetMessage())
			case status.GetId() == "streamEnded":
				ended++
			}
		}
		if ended == streams {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
