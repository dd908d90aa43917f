// Package natsclient is what connectors that speak NATS share: the flags for servers, credentials and TLS, and a connection
// that obeys them. It is a package of its own so that only such connectors carry those flags. The system that they reach is
// not the broker of the topic, which has flags of its own.
//
// A connector embeds Options in its options struct and makes one connection a session:
//
//	type Reader struct {
//		NATS natsclient.Options `embed:""`
//	}
//
//	conn, session, err := r.NATS.Connect(ctx, "reader-source/"+info.Version)
//	if err != nil {
//		return err
//	}
//	defer conn.Close()
//
// # What the connection promises
//
// It is never renewed: when it is lost, the context of the session ends, Run returns, and common starts a new session that
// reads credentials and certificates anew. No error shows a secret.
package natsclient
