package common

import "github.com/patchbay-dev/patchbay/internal/transport/nats"

// connection gives the flags that say how to reach the broker, and what a topic is made like there.
func connection(flags shared) (*brokerFlags, *streamFlags) {
	switch f := flags.(type) {
	case *sourceFlags:
		return &f.Broker, &f.Stream
	case *sinkFlags:
		return &f.Broker, &f.Stream
	}
	return &brokerFlags{}, &streamFlags{}
}

func (f *brokerFlags) access() nats.Access {
	return nats.Access{
		Credentials: f.BrokerCredentialsFile, NKey: f.BrokerNkeyFile, Token: f.BrokerToken.Reveal(), User: f.BrokerUser,
		Password: f.BrokerPassword.Reveal(), CA: f.BrokerCAFile, Cert: f.BrokerCertFile, Key: f.BrokerKeyFile,
	}
}

func (f *streamFlags) stream() nats.StreamOptions {
	return nats.StreamOptions{
		Replicas: f.TopicReplicas, MaxAge: f.TopicMaxAge, MaxBytes: int64(f.TopicMaxBytes), Retention: f.TopicRetention,
	}
}

// connectionProblems makes the checks of these flags that the schema has no words for.
func connectionProblems(flags shared, add func(option, message string)) {
	t, _, _, _, _ := flags.parts()
	broker, stream := connection(flags)
	for _, check := range []struct {
		option string
		err    error
	}{
		{"topic-max-age", stream.stream().Check()},
		{"broker", stream.stream().CheckAt(t.Broker)},
		{"broker", broker.access().Check(t.Broker)},
	} {
		if check.err != nil {
			add(check.option, check.err.Error())
		}
	}
}
