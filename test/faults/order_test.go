package faults_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestATopicThatIsFullForAWhileKeepsTheOrder(t *testing.T) {
	run(t, fault{name: "topic full again and again, --ordered", on: []string{onNATS}}, func(r *rig) outcome {
		// It takes a record as soon as another one is read, and refuses what comes meanwhile.
		r.broker().ask(func(ctx context.Context, js jetstream.JetStream) error {
			_, err := js.CreateStream(ctx, jetstream.StreamConfig{
				Name: topic, Subjects: []string{topic}, Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxMsgs: 5,
			})
			return err
		})
		sink, source := r.sink(), r.source("--ordered", "--pace", "1ms", "--step", "20", "--partitions", "1", "--retry-max-wait", "10ms")
		r.progress(r.written, "got", r.some())
		source.says("is full", 1)
		return r.finish(source, sink)
	})
}
