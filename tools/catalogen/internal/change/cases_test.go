package change

import "strings"

const spare = `={"type":"string","description":"Spare.","x-env":"SPARE","x-group":"Options"}`

// cases hold for each rule a step that it names and one that comes near and that it does not.
var cases = map[string]struct {
	hit, miss      step
	place          string
	was, is        string
	source, shared bool
}{
	"option-removed": {
		hit:   in("schema/properties/", "", "limit="),
		miss:  in("schema/properties/", "limit=", ""),
		place: "--limit", was: "limit",
	},
	"option-renamed": {
		hit:   step{new: []string{"schema/properties/mode=", `schema/properties/speed={"type":"string","enum":["fast","slow"],"default":"fast","description":"In which way.","x-env":"A_SOURCE_SPEED","x-group":"Options"}`}},
		miss:  step{new: []string{"schema/properties/mode=", `schema/properties/speed={"type":"string","enum":["fast","slow"],"default":"fast","description":"Now.","x-env":"A_SOURCE_SPEED","x-group":"Options"}`}},
		place: "--mode", was: "mode", is: "speed",
	},
	"option-alias-removed": {
		hit:   on("mode", `x-aliases=["speed"]`, ""),
		miss:  on("mode", "", `x-aliases=["speed"]`),
		place: "--mode", was: "speed",
	},
	"option-added-required": {
		hit:   in("schema/", "", `properties/spare`+spare[:1]+strings.ReplaceAll(spare[1:], " ", "")+` required=["endpoint","topic","spare"]`),
		miss:  in("schema/", "", `properties/spare`+spare),
		place: "--spare", is: "spare",
	},
	"option-required": {
		hit:   in("schema/", "", `required=["endpoint","topic","mode"]`),
		miss:  in("schema/", "", `required=["topic"]`),
		place: "--mode", was: "optional", is: "required",
	},
	"option-type-changed": {
		hit:   on("limit", "", `type="boolean"`),
		miss:  on("limit", "", `type="number"`),
		place: "--limit", was: "integer", is: "boolean",
	},
	"option-pattern-changed": {
		hit:   on("endpoint", "", `pattern="^https://"`),
		miss:  on("endpoint", "", "pattern="),
		place: "--endpoint", was: "^https?://", is: "^https://",
	},
	"option-enum-narrowed": {
		hit:   on("mode", "", `enum=["fast"]`),
		miss:  on("mode", "", `enum=["slow","fast","odd"]`),
		place: "--mode", was: "fast, slow", is: "fast",
	},
	"option-range-narrowed": {
		hit:   on("limit", "", "maximum=50"),
		miss:  on("limit", "", "maximum=1e2"),
		place: "--limit", was: "at least 1, at most 100", is: "at least 1, at most 50",
	},
	"option-length-narrowed": {
		hit:   on("token", "", "maxLength=9"),
		miss:  on("token", "maxLength=9", "maxLength=10"),
		place: "--token", was: "any", is: "at most 9",
	},
	"option-constraint-changed": {
		hit:   on("limit", "", "multipleOf=5"),
		miss:  on("limit", "multipleOf=5", "multipleOf=5.0"),
		place: "--limit", was: "multipleOf none", is: "multipleOf 5",
	},
	"option-default-changed": {
		hit:   on("limit", "", "default=20"),
		miss:  on("limit", "", "default=10.0"),
		place: "--limit", was: "10", is: "20",
	},
	"option-meaning-changed": {
		hit:   on("limit", `x-unit="s"`, `x-unit="ms"`),
		miss:  on("limit", "", `x-placeholder="N"`),
		place: "--limit", was: "s", is: "ms",
	},
	"option-secret-unmarked": {
		hit:   on("token", "", "writeOnly="),
		miss:  on("token", "writeOnly=false", ""),
		place: "--token", was: "secret", is: "plain",
	},
	"option-env-changed": {
		hit:   on("limit", "", `x-env="OTHER"`),
		miss:  on("limit", "", `x-group="Other"`),
		place: "--limit", was: "A_SOURCE_LIMIT", is: "OTHER",
	},
	"option-identity-changed": {
		hit:   on("endpoint", "", "x-identity=true"),
		miss:  on("endpoint", "", "x-identity=false"),
		place: "--endpoint", was: "not identity", is: "identity as endpoint",
	},
	"option-lifecycle-narrowed": {
		hit:   on("limit", `x-change="stream"`, `x-change="config"`),
		miss:  on("limit", "", `x-change="static"`),
		place: "--limit", was: "stream", is: "config",
	},
	"option-separator-changed": {
		hit:   on("header", "", `x-sep="none"`),
		miss:  on("header", `x-sep="none"`, `x-sep="none"`),
		place: "--header", was: "none", is: "none",
	},
	"condition-added": {
		hit:   in("schema/", "", `allOf=[{"not":{"required":["mode","limit"]}}]`),
		miss:  in("schema/", `allOf=[{"a":1},{"b":1}]`, `allOf=[{"b":1},{"a":1}]`),
		place: "options", is: "not together: --mode --limit",
	},
	"option-renamed-with-alias": {
		hit:   step{new: []string{"schema/properties/token=", `schema/properties/key={"type":"string","writeOnly":true,"description":"Now.","x-env":"A_SOURCE_KEY","x-group":"Options","x-aliases":["token"]}`}},
		miss:  step{new: []string{"schema/properties/token=", `schema/properties/key={"type":"string","writeOnly":true,"description":"Now.","x-env":"A_SOURCE_KEY","x-group":"Options"}`}},
		place: "--token", was: "token", is: "key",
	},
	"option-added": {
		hit:   in("schema/", "", "properties/spare"+spare),
		miss:  in("schema/", "properties/spare"+spare, ""),
		place: "--spare", is: "spare",
	},
	"option-not-required": {
		hit:   in("schema/", "", `required=["topic"]`),
		miss:  in("schema/", "", `required=["topic","endpoint"]`),
		place: "--endpoint", was: "required", is: "optional",
	},
	"option-type-widened": {
		hit:   on("limit", "", `type="number"`),
		miss:  on("limit", `type="number"`, ""),
		place: "--limit", was: "integer", is: "number",
	},
	"option-pattern-removed": {
		hit:   on("endpoint", "", "pattern="),
		miss:  on("endpoint", "pattern=", ""),
		place: "--endpoint", was: "^https?://", is: "none",
	},
	"option-enum-widened": {
		hit:   on("mode", "", `enum=["fast","slow","odd"]`),
		miss:  on("mode", "", `enum=["slow"]`),
		place: "--mode", was: "fast, slow", is: "fast, slow, odd",
	},
	"option-range-widened": {
		hit:   on("limit", "", "minimum="),
		miss:  on("limit", "", "minimum= exclusiveMinimum=0"),
		place: "--limit", was: "at least 1, at most 100", is: "at most 100",
	},
	"option-length-widened": {
		hit:   on("name", "", "minLength="),
		miss:  on("token", "", "minLength=0"),
		place: "--name", was: "at least 1", is: "any", shared: true,
	},
	"condition-removed": {
		hit:   in("schema/", `dependencies={"mode":["limit"]}`, ""),
		miss:  in("schema/", `dependencies={"mode":["limit"]}`, `dependentRequired={"mode":["limit"]}`),
		place: "options", was: `with --mode: ["limit"]`,
	},
	"option-secret-marked": {
		hit:   on("mode", "", "writeOnly=true"),
		miss:  on("token", "", "writeOnly=true"),
		place: "--mode", was: "plain", is: "secret",
	},
	"option-lifecycle-widened": {
		hit:   on("limit", "", `x-change="config"`),
		miss:  on("limit", `x-change="config"`, `x-change="static"`),
		place: "--limit", was: "none", is: "config",
	},
	"option-visibility-changed": {
		hit:   on("limit", "", "x-hidden=true"),
		miss:  on("limit", "", "x-hidden=false"),
		place: "--limit", was: "shown", is: "not shown",
	},
	"option-deprecated": {
		hit:   on("limit", "", `deprecated=true x-deprecation={"date":"2027-01-31","replacement":"mode","note":"x"}`),
		miss:  on("limit", `x-deprecation={"date":"2027-01-31","replacement":"mode","note":"x"}`, `x-deprecation={"date":"2028-01-31","replacement":"mode","note":"x"}`),
		place: "--limit", is: "until 2027-01-31",
	},
	"option-undeprecated": {
		hit:   on("limit", `x-deprecation={"date":"2027-01-31","replacement":"mode","note":"x"}`, ""),
		miss:  on("limit", "", "x-hidden=true"),
		place: "--limit", was: "until 2027-01-31",
	},
	"option-text-changed": {
		hit:   on("limit", "", `description="Now."`),
		miss:  on("limit", "", `pattern="a"`),
		place: "--limit", was: "How many.", is: "Now.",
	},

	"direction-changed": {
		hit:   in("", "", `direction="sink"`),
		miss:  in("", "", `category="sink"`),
		place: "direction", was: "source", is: "sink",
	},
	"command-removed": {
		hit:   in("", "", `commands=[{"name":"run","description":"Runs."}]`),
		miss:  in("", `commands=[]`, ""),
		place: "command metadata", was: "metadata",
	},
	"status-removed": {
		hit:   in("", "", `exit_statuses=[{"status":0,"meaning":"done"},{"status":1,"meaning":"failed"}]`),
		miss:  in("", `exit_statuses=[]`, ""),
		place: "status 2", was: "wrong usage",
	},
	"guarantee-weakened": {
		hit:   in("", `guarantee="exactly-once"`, `guarantee="at-least-once"`),
		miss:  in("", `guarantee="at-most-once"`, `guarantee="at-least-once"`),
		place: "guarantee", was: "exactly-once", is: "at-least-once",
	},
	"resuming-removed": {
		hit:   in("", "resumes=true", ""),
		miss:  in("", "resumes=false", ""),
		place: "resumes", was: "true", is: "false",
	},
	"positions-recur": {
		hit:   in("", "", "positions_recur=true"),
		miss:  in("", "", "positions_recur=false"),
		place: "positions_recur", was: "false", is: "true",
	},
	"record-dropped": {
		hit:   in("", `record={"type":"object"}`, ""),
		miss:  in("", "", `record={"type":"object"}`),
		place: "record", was: "described",
	},
	"record-field-removed": {
		hit:   in("record/properties/", `a={} b={}`, `a={}`),
		miss:  in("record/properties/", `a={}`, `a={} b={}`),
		place: "record b", was: "b",
	},
	"record-field-retyped": {
		hit:   in("record/properties/a/", `type="integer"`, `type="string"`),
		miss:  in("record/properties/a/", `type="integer"`, `type="integer" title="A"`),
		place: "record a", was: "integer", is: "string",
	},
	"record-field-demanded": {
		hit:   in("", `record={"properties":{"a":{}}}`, `direction="sink" record={"properties":{"a":{}},"required":["a"]}`),
		miss:  in("", `record={"properties":{"a":{}}}`, `record={"properties":{"a":{}},"required":["a"]}`),
		place: "record a", was: "optional", is: "required",
	},
	"record-field-unsure": {
		hit:   in("", `record={"properties":{"a":{}},"required":["a"]}`, `record={"properties":{"a":{}}}`),
		miss:  in("", `direction="sink" record={"properties":{"a":{}},"required":["a"]}`, `direction="sink" record={"properties":{"a":{}}}`),
		place: "record a", was: "required", is: "optional",
	},
	"record-constraint-changed": {
		hit:   in("record/properties/a/", `type="string"`, `type="string" enum=["x"]`),
		miss:  in("record/properties/a/", `type="string"`, `type="string" description="x"`),
		place: "record a", was: "enum none", is: `enum ["x"]`,
	},
	"stability-lowered": {
		hit:   in("", `stability="stable"`, `stability="beta"`),
		miss:  in("", `stability="beta"`, `stability="stable"`),
		place: "stability", was: "stable", is: "beta",
	},
	"license-changed": {
		hit:   in("", "", `license="MIT"`),
		miss:  in("", "", `category="MIT"`),
		place: "license", was: "Apache-2.0", is: "MIT",
	},
	"connector-deprecated": {
		hit:   in("", "", `stability="deprecated"`),
		miss:  in("", `stability="deprecated"`, ""),
		place: "stability", was: "experimental", is: "deprecated",
	},
	"command-added": {
		hit:   in("", `commands=[{"name":"run","description":"Runs."}]`, ""),
		miss:  in("", "", `commands=[{"name":"run","description":"Walks."}]`),
		place: "command metadata", is: "metadata",
	},
	"status-added": {
		hit:   in("", `exit_statuses=[{"status":0,"meaning":"done"},{"status":1,"meaning":"failed"}]`, ""),
		miss:  in("", "", `exit_statuses=[{"status":0,"meaning":"good"}]`),
		place: "status 2", is: "wrong usage",
	},
	"status-meaning-changed": {
		hit:   in("", `exit_statuses=[{"status":0,"meaning":"a"}]`, `exit_statuses=[{"status":0,"meaning":"b"}]`),
		miss:  in("", `exit_statuses=[{"status":0,"meaning":"a"}]`, `exit_statuses=[{"status":1,"meaning":"b"}]`),
		place: "status 0", was: "a", is: "b",
	},
	"guarantee-strengthened": {
		hit:   in("", "", `guarantee="at-most-once"`),
		miss:  in("", `guarantee="at-most-once"`, ""),
		place: "guarantee", is: "at-most-once",
	},
	"resuming-added": {
		hit:   in("", "", "resumes=true"),
		miss:  in("", "resumes=true", ""),
		place: "resumes", was: "false", is: "true",
	},
	"positions-unique": {
		hit:   in("", "positions_recur=true", ""),
		miss:  in("", "", "positions_recur=true"),
		place: "positions_recur", was: "true", is: "false",
	},
	"record-introduced": {
		hit:   in("", "", `record={"type":"object"}`),
		miss:  in("", `record={"type":"object"}`, `record={"type":"string"}`),
		place: "record", is: "described",
	},
	"record-field-added": {
		hit:   in("record/properties/", `a={}`, `a={} b={}`),
		miss:  in("", `direction="sink" record={}`, `direction="sink" record={"properties":{"b":{}},"required":["b"]}`),
		place: "record b", is: "b",
	},
	"record-field-released": {
		hit:   in("", `direction="sink" record={"properties":{"a":{}},"required":["a"]}`, `direction="sink" record={"properties":{"a":{}}}`),
		miss:  in("", `record={"properties":{"a":{}},"required":["a"]}`, `record={"properties":{"a":{}}}`),
		place: "record a", was: "required", is: "optional",
	},
	"record-field-promised": {
		hit:   in("", `record={"properties":{"a":{}}}`, `record={"properties":{"a":{}},"required":["a"]}`),
		miss:  in("", `direction="sink" record={"properties":{"a":{}}}`, `direction="sink" record={"properties":{"a":{}},"required":["a"]}`),
		place: "record a", was: "optional", is: "required",
	},
	"semantic-checks-changed": {
		hit:   in("", "", `semantic_checks=["x"]`),
		miss:  in("", `semantic_checks=["x"]`, `semantic_checks=["x"]`),
		place: "semantic_checks", is: "x",
	},
	"stability-raised": {
		hit:   in("", "", `stability="beta"`),
		miss:  in("", "", `stability="deprecated"`),
		place: "stability", was: "experimental", is: "beta",
	},
	"format-changed": {
		hit:   in("schema/", "", `$schema="https://json-schema.org/draft/2020-12/schema"`),
		miss:  in("schema/", "", `title="Other"`),
		place: "options", was: "http://json-schema.org/draft-07/schema#", is: "https://json-schema.org/draft/2020-12/schema",
	},
	"connector-undeprecated": {
		hit:   in("", `stability="deprecated"`, ""),
		miss:  in("", `stability="beta"`, ""),
		place: "stability", was: "deprecated", is: "experimental",
	},
	"sdk-changed": {
		hit:   in("", `sdk_version="1"`, `sdk_version="2"`),
		miss:  in("", "", `metadata_version="2"`),
		place: "sdk_version", was: "1", is: "2", shared: true,
	},
	"text-changed": {
		hit:   in("", "", `description="New."`),
		miss:  in("", "", `version="0.2.0" name="b-source"`),
		place: "description", was: "Moves records for tests.", is: "New.",
	},
}
