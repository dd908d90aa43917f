package httpclient

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// Options are the flags of a connector that speaks HTTP, to be embedded in its options struct with embed:"". The parser
// checks all of them but what is in files; there is nothing left for a Validate method.
type Options struct {
	Timeout      time.Duration `help:"Longest time for one request, from the connection to the end of the answer." default:"10s" min:"1ns" group:"Request"`
	Header       []string      `help:"Header of every request, as Name: value. May be repeated. Redirects to other origins get it too; see secret-header." placeholder:"NAME: VALUE" sep:"none" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+:[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$" form:"a header, written as Name: value" group:"Request"`
	UserAgent    string        `help:"User-Agent header. Default: the connector's name and version." placeholder:"TEXT" pattern:"^[^\\x00-\\x1f\\x7f]*$" form:"one line of text" group:"Request"`
	SuccessCodes []string      `help:"Statuses that mean success, as numbers or classes such as 2xx." placeholder:"CODE" default:"2xx" pattern:"^[2-5]([0-9]{2}|xx)$" form:"a status such as 201 or a class such as 2xx" group:"Request"`

	Username     string          `help:"User name for basic authentication." placeholder:"NAME" and:"basic" xor:"login" pattern:"^[^:\\x00-\\x1f\\x7f]+$" form:"a user name, which has no colon" group:"Authentication"`
	Password     common.Secret   `help:"Password for basic authentication." placeholder:"SECRET" and:"basic" group:"Authentication"`
	BearerToken  common.Secret   `help:"Token for bearer authentication." placeholder:"SECRET" xor:"login" pattern:"^[A-Za-z0-9._~+/-]+=*$" form:"a bearer token: letters, digits and ._~+/-" group:"Authentication"`
	SecretHeader []common.Secret `help:"Header that holds a secret, as Name: value, sent to the endpoint's origin only. May be repeated." placeholder:"NAME: SECRET" sep:"none" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+:[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$" form:"a header, written as Name: value" group:"Authentication"`
	SecretQuery  []common.Secret `help:"Query parameter that holds a secret, as name=value, sent to the endpoint's origin only. May be repeated." placeholder:"NAME=SECRET" sep:"none" pattern:"^[^=]+=" form:"a query parameter, written as name=value" group:"Authentication"`

	Proxy          common.URL `help:"Proxy for all requests. Default: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say." placeholder:"URL" group:"Connection"`
	CAFile         string     `name:"ca-file" help:"File of PEM certificates of authorities to trust beside the system's." placeholder:"FILE" group:"Connection"`
	ClientCertFile string     `help:"File of the PEM certificate that the client shows to the server." placeholder:"FILE" and:"client-cert" group:"Connection"`
	ClientKeyFile  string     `help:"File of the PEM key of that certificate." placeholder:"FILE" and:"client-cert" group:"Connection"`
}

// Succeeds reports whether a status is one of the success codes.
func (o *Options) Succeeds(status int) bool {
	for _, code := range o.SuccessCodes {
		// 2xx stands for what begins with a 2.
		if text := strings.TrimSuffix(code, "xx"); strings.HasPrefix(strconv.Itoa(status), text) {
			return true
		}
	}
	return false
}

// A field is a header, or a query parameter.
type field struct{ name, value string }

// headerField takes the text of a header apart, which the parser has checked.
func headerField(text string) field {
	name, value, _ := strings.Cut(text, ":")
	return field{http.CanonicalHeaderKey(name), textproto.TrimString(value)}
}

func queryField(text string) field {
	name, value, _ := strings.Cut(text, "=")
	return field{name, value}
}
