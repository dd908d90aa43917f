// Package httpclient is what connectors that speak HTTP share: the flags for headers, credentials, TLS and proxies, and a
// client that obeys them. It is a package of its own so that only such connectors link it.
//
// A connector embeds Options in its options struct and makes one Client a session:
//
//	type Poll struct {
//		Endpoint common.URL         `help:"Address to poll." required:"" identity:""`
//		HTTP     httpclient.Options `embed:""`
//	}
//
//	client, err := p.HTTP.Client("poll-source/"+info.Version, &p.Endpoint.URL)
//	if err != nil {
//		return common.Permanent(err) // a file that cannot be read, for example
//	}
//	defer client.Close()
//
// # What the client promises
//
// Secrets stay with the endpoint's origin, which is scheme, host and port: no redirect and no address that a server names
// makes the client send a credential elsewhere. A redirect never turns a request into another method, and never takes a body,
// or a method that may change something, to another origin; the answer that asks for it is returned as it is. No error of the client shows a query or a secret.
package httpclient
