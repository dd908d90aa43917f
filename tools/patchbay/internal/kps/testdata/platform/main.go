// Command platform plays Karbon Platform Services for kps.bats and bench: its NATS server, and the client of a connector.
//
//	platform broker                       # prints the address of a NATS server, which runs until SIGTERM
//	platform set ADDRESS < request.json   # SetPayload; prints the answer, as do get and events
//	platform get ADDRESS ID KIND
//	platform events ADDRESS ID
//	platform listen BROKER SUBJECT        # prints the payloads on a subject, a line each, until SIGTERM
//	platform send BROKER SUBJECT          # sends each line of standard input
//	platform run COMMAND... < request.json # starts a connector, sets the payload, and stops it when each stream has ended
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "platform:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch args[0] {
	case "broker":
		return broker(ctx)
	case "run":
		return runConnector(ctx, args[1:])
	case "listen", "send":
		nc, err := natsgo.Connect(args[1])
		if err != nil {
			return err
		}
		defer nc.Close()
		if args[0] == "listen" {
			return listen(ctx, nc, args[2])
		}
		return send(nc, args[2])
	}
	conn, err := grpc.NewClient(args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := call(ctx, pb.NewConnectorServiceClient(conn), args)
	if err != nil {
		return err
	}
	text, err := protojson.Marshal(answer)
	fmt.Println(string(text))
	return err
}

func call(ctx context.Context, client pb.ConnectorServiceClient, args []string) (proto.Message, error) {
	switch args[0] {
	case "set":
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, err
		}
		var req pb.SetPayloadRequest
		if err := protojson.Unmarshal(text, &req); err != nil {
			return nil, err
		}
		return client.SetPayload(ctx, &req)
	case "get":
		kind := pb.PayloadKind(pb.PayloadKind_value["PAYLOAD_KIND_"+args[3]])
		return client.GetPayload(ctx, &pb.GetPayloadRequest{ConnectorId: args[2], Kind: kind})
	default:
		return client.GetEvents(ctx, &pb.GetEventsRequest{ConnectorId: args[2]})
	}
}

func broker(ctx context.Context) error {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("the server does not get ready")
	}
	fmt.Println(s.ClientURL())
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

func listen(ctx context.Context, nc *natsgo.Conn, subject string) error {
	_, err := nc.Subscribe(subject, func(m *natsgo.Msg) {
		var tm pb.TransportMessage
		if err := proto.Unmarshal(m.Data, &tm); err != nil {
			fmt.Fprintln(os.Stderr, "platform:", err)
		}
		for _, payload := range tm.GetPayload() {
			fmt.Printf("%s\n", payload)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening")
	<-ctx.Done()
	return nil
}

func send(nc *natsgo.Conn, subject string) error {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		body, err := proto.Marshal(&pb.TransportMessage{Timestamp: time.Now().UnixNano(), Payload: [][]byte{lines.Bytes()}})
		if err == nil {
			err = nc.Publish(subject, body)
		}
		if err != nil {
			return err
		}
	}
	return nc.Flush()
}
