// Package stdio is the transport of `--topic -`: records on standard input and output, for people and pipes, one record a
// line. With --acks it speaks the link protocol instead, so that the program at the other end takes part in delivery.
package stdio

// A Format says what a line of the plain mode holds.
type Format string

const (
	// JSON is the payload alone, as JSON, and the default. A payload that is JSON is its own line; one that holds a line
	// break is compacted. Any other text goes out as a JSON string. On input, a JSON string that holds such text is read as
	// that text, and so is a line that is no JSON; every other line is the payload, byte for byte. Empty lines are
	// skipped. So text and JSON come back as they were, except that JSON loses line breaks and that a payload which is a
	// JSON string loses its quotes, unless the text inside is JSON itself.
	JSON Format = "json"
	// Raw is the payload alone, byte for byte. A payload that holds a newline is an error. Every line is a record, an empty
	// one too.
	Raw Format = "raw"
	// CloudEvents is the whole record, as one CloudEvent 1.0 a line in the structured mode of the JSON format.
	CloudEvents Format = "cloudevents"
)
