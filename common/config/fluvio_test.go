package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/config"
)

func TestKeysOfFluvio(t *testing.T) {
	tests := []struct {
		name, text string
		notes      []string
		problem    string
	}{
		{"what is done anyway", "create_topic: true\nproducer: {compression: none}\nconsumer: null\n", nil, ""},
		{"what has no effect", "producer:\n  linger: 5ms\n  batch_size: 10\n", []string{
			"f.yaml:2: producer.linger has no effect: records are sent at once",
			"f.yaml:3: producer.batch_size has no effect: records are sent at once",
		}, ""},
		{"the only partition", "consumer: {partition: 0}\n", []string{"f.yaml:1: consumer.partition has no effect: a topic has one partition here"}, ""},
		{"another partition", "consumer: {partition: 1}\n", nil, "f.yaml:1:12: consumer.partition: a topic has one partition here, and its sinks read all of it; remove the key"},
		{"no topic to be made", "create_topic: false\n", nil, "f.yaml:1:15: create_topic: a topic that is not there is always made; remove the key"},
		{"no boolean", "create_topic: 3\n", nil, "f.yaml:1:15: create_topic: the value is a number and not a boolean"},
		{"a key that nobody knows", "producer: {acks: all}\n", nil, "f.yaml:1:12: producer.acks: unknown key; remove it"},
		{"a mapping that is none", "consumer: 3\n", nil, "f.yaml:1:11: consumer: the value is a number and not a mapping"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte(tt.text), config.Env{})
			if tt.problem != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.problem) {
					t.Errorf("got %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.notes, f.Notes); d != "" {
				t.Errorf("notes differ (-want +got):\n%s", d)
			}
		})
	}
}
