package main

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common"
)

// Headers of a record, beside the user properties of its message, which keep their names.
const (
	headerQoS             = "mqtt-qos"
	headerRetained        = "mqtt-retained"
	headerDuplicate       = "mqtt-duplicate"
	headerResponseTopic   = "mqtt-response-topic"
	headerCorrelationData = "mqtt-correlation-data" // in base64 if it is no text
	headerContentType     = "content-type"
)

// record makes a record of a message.
func (s *MQTTSource) record(m *message) common.Record {
	rec := common.Record{Subject: m.topic, Value: m.payload, Headers: map[string]string{}}
	if s.Key == "topic" {
		rec.Key = m.topic
	}
	for _, property := range m.user {
		rec.Headers[property[0]] = property[1]
	}
	correlation := string(m.correlationData)
	if !utf8.ValidString(correlation) {
		correlation = base64.StdEncoding.EncodeToString(m.correlationData)
	}
	for name, value := range map[string]string{
		headerQoS: strconv.Itoa(int(m.qos)), headerRetained: flag(m.retained), headerDuplicate: flag(m.duplicate),
		headerContentType: m.contentType, headerResponseTopic: m.responseTopic, headerCorrelationData: correlation,
	} {
		if value != "" {
			rec.Headers[name] = value
		}
	}
	return rec
}

func flag(set bool) string {
	if set {
		return "true"
	}
	return ""
}
