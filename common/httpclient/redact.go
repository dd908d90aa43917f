package httpclient

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common"
)

// redacted stands in for a secret, as it does wherever a common.Secret is printed.
const redacted = "[REDACTED]"

// Redact replaces in text, which a server sent, every secret of the options, every value of a plain header that holds
// credentials and every value of the endpoint's query, as they are and as they look in a header, a query or JSON: a server
// may quote the request in its answer.
func (o *Options) Redact(endpoint *url.URL, text string) string {
	secrets := []string{o.Password.Reveal(), o.BearerToken.Reveal()}
	if o.Username != "" {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(o.Username+":"+o.Password.Reveal())))
	}
	for _, fields := range []struct {
		texts []common.Secret
		parse func(string) field
	}{{o.SecretHeader, headerField}, {o.SecretQuery, queryField}} {
		for _, secret := range fields.texts {
			secrets = append(secrets, fields.parse(secret.Reveal()).value)
		}
	}
	for _, text := range o.Header {
		if h := headerField(text); credentials[h.name] {
			secrets = append(secrets, h.value)
		}
	}
	for _, values := range endpoint.Query() {
		secrets = append(secrets, values...)
	}
	for _, secret := range slices.Clone(secrets) {
		quoted, _ := json.Marshal(secret) // a string can always be written as JSON
		secrets = append(secrets, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1:len(quoted)-1]))
	}
	// The longest first, so that none is left over in part because another one is contained in it.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, secret := range secrets {
		if secret != "" {
			pairs = append(pairs, secret, redacted)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
