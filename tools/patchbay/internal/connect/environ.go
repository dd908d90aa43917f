package connect

import (
	"encoding/base64"
	"errors"
	"strings"
)

// surroundings is what the agent says in the environment.
type surroundings struct {
	Servers, JWT, Seed string // of the platform's NATS
	Connector          string // which all its copies share
	Instance           string // this copy
	LogLevel           string // debug, info, warn or error
}

// environ reads the variables of the agent.
func environ(getenv func(string) string) (surroundings, error) {
	s := surroundings{
		Servers: getenv("NEX_WORKLOAD_NATS_SERVERS"), Seed: getenv("NEX_WORKLOAD_NATS_NKEY"),
		Connector: getenv("NEX_WORKLOAD_GROUP"), Instance: getenv("NEX_WORKLOAD_ID"),
		LogLevel: strings.ToLower(getenv("CONNECT_LOG_LEVEL")),
	}
	if namespace := getenv("NEX_WORKLOAD_NAMESPACE"); namespace != "" && s.Connector != "" {
		s.Connector = namespace + "-" + s.Connector
	}
	jwt, err := base64.StdEncoding.DecodeString(getenv("NEX_WORKLOAD_NATS_B64_JWT"))
	if err != nil {
		return s, errors.New("NEX_WORKLOAD_NATS_B64_JWT: not base64")
	}
	s.JWT = string(jwt)
	switch s.LogLevel {
	case "":
		s.LogLevel = "debug" // the platform's own default
	case "debug", "info", "warn", "error":
	default:
		return s, errors.New("CONNECT_LOG_LEVEL: say debug, info, warn or error")
	}
	return s, nil
}

// login says which servers a step means, and how to log in there. The platform's credentials are shown to the platform's
// servers only.
func (s surroundings) login(step *natsConfig) (natsConfig, error) {
	var n natsConfig
	if step != nil {
		n = *step
	}
	switch {
	case n.URL == "" && s.Servers == "":
		return n, errors.New("nats.url: missing, and NEX_WORKLOAD_NATS_SERVERS is not set")
	case n.URL == "":
		n.URL = s.Servers
		if !n.AuthEnabled {
			n.JWT, n.Seed = s.JWT, s.Seed
		}
	case !n.AuthEnabled:
		n.JWT, n.Seed = "", ""
	}
	switch {
	case n.AuthEnabled && n.Seed == "":
		return n, errors.New("nats: auth_enabled needs a seed, and a jwt unless the server knows the user by its key alone")
	case n.JWT != "" && n.Seed == "":
		return n, errors.New("nats: a jwt is of no use without its seed")
	}
	return n, nil
}

// childEnv is the environment for the connector: that of this process without the platform's credentials.
func childEnv(environ []string) []string {
	var env []string
	for _, v := range environ {
		if !strings.HasPrefix(v, "NEX_WORKLOAD_NATS_") {
			env = append(env, v)
		}
	}
	return env
}
