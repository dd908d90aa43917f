// Command bareloop does with the client library alone what connectors do with a topic of a NATS server: it publishes
// records with ids, many in flight and each acknowledged, or reads them and acknowledges each after it is written. It is
// the limit that connectors are measured against, and gives up none of their guarantees but what comes after a failure.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// inFlight is how many records are under way at once: the default of connectors.
const inFlight = 4096

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bareloop:", err)
		os.Exit(1)
	}
}

func run() error {
	url := flag.String("broker", "", "URL of the server")
	topic := flag.String("topic", "", "subject, and name of the stream")
	count := flag.Int("count", 0, "records to publish or to read")
	size := flag.Int("size", 256, "bytes of a record to publish")
	read := flag.Bool("read", false, "read instead, and write each record as a line on standard output")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	nc, err := nats.Connect(*url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(inFlight))
	if err != nil {
		return err
	}
	if *read {
		return consume(ctx, js, *topic, *count)
	}
	return publish(ctx, js, *topic, *count, *size)
}

// publish makes the stream that a connector would make, and fills it.
func publish(ctx context.Context, js jetstream.JetStream, topic string, count, size int) error {
	_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: topic, Subjects: []string{topic}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, AllowDirect: true,
	})
	if err != nil {
		return err
	}
	value := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), size-2)...), '"')
	acks := make(chan jetstream.PubAckFuture, inFlight)
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for ack := range acks {
			select {
			case <-ack.Ok():
			case err := <-ack.Err():
				failed <- err
				return
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	}()
	for i := range count {
		msg := &nats.Msg{Subject: topic, Data: value, Header: nats.Header{jetstream.MsgIDHeader: {"bare-loop-record-" + strconv.Itoa(i)}}}
		ack, err := js.PublishMsgAsync(msg, jetstream.WithStallWait(time.Minute))
		if err != nil {
			return err
		}
		select {
		case acks <- ack:
		case err := <-failed:
			return err
		}
	}
	close(acks)
	return <-failed
}

// consume reads with a durable consumer. Lines are written when nothing more is at hand, and acknowledged after that.
func consume(ctx context.Context, js jetstream.JetStream, topic string, count int) error {
	consumer, err := js.CreateConsumer(ctx, topic, jetstream.ConsumerConfig{
		Durable: "bare", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: inFlight,
	})
	if err != nil {
		return err
	}
	messages := make(chan jetstream.Msg, inFlight)
	consuming, err := consumer.Consume(func(m jetstream.Msg) { messages <- m }, jetstream.PullMaxMessages(inFlight))
	if err != nil {
		return err
	}
	defer consuming.Stop()
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	var written []jetstream.Msg
	for n := 0; n < count; n++ {
		var m jetstream.Msg
		select {
		case m = <-messages:
		case <-ctx.Done():
			return ctx.Err()
		}
		_, _ = out.Write(m.Data())
		_ = out.WriteByte('\n') // Flush has its error
		written = append(written, m)
		if len(messages) > 0 && len(written) < 500 && n+1 < count {
			continue
		}
		if err := out.Flush(); err != nil {
			return err
		}
		for _, m := range written {
			if err := m.Ack(); err != nil {
				return err
			}
		}
		written = written[:0]
	}
	return js.Conn().FlushWithContext(ctx)
}
