package fake

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// has tells whether the metadata lists a command.
func (c connector) has(command string) bool {
	text, _, _ := c.document()
	var doc metadata.Document
	_ = json.Unmarshal(text, &doc) // some tests want it broken
	return slices.ContainsFunc(doc.Commands, func(listed metadata.Command) bool { return listed.Name == command })
}

// discovered is what the quirks find that break a rule each.
var discovered = map[string]string{
	"finds-text":      "fast",
	"finds-nameless":  `{"options": {"mode": "fast"}}`,
	"finds-twice":     `{"name": "a"}` + "\n" + `{"name": "a"}`,
	"finds-strangers": `{"name": "a", "options": {"moed": "fast"}}`,
	"finds-shared":    `{"name": "a", "options": {"topic": "demo"}}`,
	"finds-secrets":   `{"name": "a", "options": {"token": "x"}}`,
	"finds-unfit":     `{"name": "a", "options": {"mode": "medium"}}`,
	"finds-refused":   `{"name": "a", "options": {"header": ["a"]}}`, // by one that is picky
}

// discover finds two things, where there is no address to look at or somebody listens there.
func (c connector) discover(flat map[string]any) int {
	if status := c.end(flat); status != 0 && !c.is("discovers-anyway") {
		if c.is("discovers-badly") {
			fmt.Println(`{"name": "a"}`)
		}
		return status
	}
	for quirk, lines := range discovered {
		if c.is(quirk) {
			fmt.Println(lines)
			return 0
		}
	}
	if c.is("finds-early") {
		fmt.Println(`{"name": "a"}`)
	}
	endpoint, err := url.Parse(fmt.Sprint(flat["endpoint"]))
	if err == nil && flat["endpoint"] != nil && !c.is("finds-anyway") {
		_, err = net.DialTimeout("tcp", endpoint.Host, 5*time.Second)
	}
	if err != nil {
		if !c.is("fails-silently") {
			fmt.Fprintln(os.Stderr, err)
		}
		return 1
	}
	fmt.Println(`{"name": "a", "options": {"mode": "fast"}}` + "\n" + `{"name": "b", "options": {"mode": "slow", "limit": 5}}`)
	return 0
}
