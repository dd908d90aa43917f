// Package cloudevents carries a topic over HTTP as CloudEvents 1.0: a Writer posts records to a URL, a Reader listens for
// requests that hold them.
//
// Both sides keep the promise that nothing is lost in the same way: an answer of 2xx means that the records are where they
// should be. A Writer settles a record with nil on such an answer only, and a Reader gives it only when every record of the
// request was acknowledged. There is no broker in between that could keep a record, so a sender must hold on to what was not
// answered and send it again, and a receiver may see it twice.
//
// Records map to events as in record.MarshalCloudEvent; the binary mode has the same attributes as headers. Nothing else of
// a request becomes part of a record, and nothing of a record becomes any other header of a request.
package cloudevents
