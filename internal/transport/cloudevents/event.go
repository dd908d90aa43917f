package cloudevents

import (
	"net/http"

	"github.com/patchbay-dev/patchbay/common/record"
)

// ReadEvent returns the record of a request that holds one event, in the binary or the structured mode; h and body are what
// the request has. It is for servers that answer in another way than a Reader does. The error says what is wrong with the
// request, and holds nothing of the body but names.
func ReadEvent(h http.Header, body []byte) (record.Record, error) {
	if err := checkType(h); err != nil {
		return record.Record{}, err
	}
	recs, err := decode(h, body, 1)
	switch {
	case err != nil:
		return record.Record{}, err
	case len(recs) == 0:
		return record.Record{}, refuse(http.StatusBadRequest, "the batch is empty")
	}
	return recs[0], nil
}
