#!/usr/bin/env bats
# The generator on connectors outside the catalog: one in another language, one that links a C library. What the generator
# does with connectors of all kinds, good and bad, is tested beside it.

load helper

# generate ROOT accepts all connectors below a folder and writes a catalog elsewhere. The one of the repository stays as it is.
generate() {
  local before after
  before=$(catalog)
  plain "$PATCHBAY_BIN_DIR/catalogen" generate --root "$TEST_ROOT/$1" --out "$SANDBOX/catalog"
  after=$(catalog)
  assert_equal "$after" "$before"
}

# catalog prints a checksum of every file of the repository's catalog.
catalog() { find "$TEST_ROOT/catalog" -type f -exec sha256sum {} + | sort -k 2; }

# entry NAME prints what the new catalog says of a connector.
entry() { jq -c --arg name "$1" '[.connectors[] | select(.name == $name) | .direction, .version]' "$SANDBOX/catalog/index.json"; }

# conforms NAME succeeds if the new catalog shows that a connector keeps the rules of profile core, all that apply.
conforms() {
  jq -e --arg name "$1" '[.connectors[] | select(.name == $name) | .evidence.tests[] | select(.suite == "conformance: core")]
    | length > 20 and all(.status == "passed")' "$SANDBOX/catalog/index.json"
}

@test "connectors in bash and in Python keep profile core, are accepted, and stay out of the catalog" {
  run generate examples
  assert_success
  assert_line "2 passed, 0 failed"
  assert_equal "$(entry du-source)" '["source","0.1.0"]'
  assert_equal "$(entry sqlite-sink)" '["sink","0.1.0"]'
  run conforms du-source
  assert_success
  run conforms sqlite-sink
  assert_success
  assert_equal "$(find "$SANDBOX/catalog/connectors" -type f -printf '%P\n' | sort)" $'du-source/0.1.0.json\nsqlite-sink/0.1.0.json'
  run find "$TEST_ROOT/catalog" -path '*du-source*' -o -path '*sqlite-sink*'
  assert_output ""
}

@test "a connector that links a C library is accepted, and stays out of the catalog" {
  run generate test/testdata/cgo
  assert_success
  assert_line "1 passed, 0 failed"
  assert_equal "$(entry crc-source)" '["source","0.1.0"]'
  run find "$TEST_ROOT/catalog" -path '*crc-source*'
  assert_output ""
}

# repository makes a folder in which connectors are built from common as it is here.
repository() {
  local repo=$SANDBOX/repository
  mkdir -p "$repo/connectors" "$repo/test" "$repo/tools"
  cp "$TEST_ROOT"/go.{mod,sum} "$repo"
  ln -s "$TEST_ROOT/common" "$TEST_ROOT/internal" "$repo"
  cp -r "$TEST_ROOT"/test/{helper.bash,gotest.sh,install.sh,servers} "$repo/test"
  cp -r "$TEST_ROOT/tools/dev" "$repo/tools"
  cp "$TEST_ROOT/connectors/connector.mk" "$repo/connectors"
  printf '# Connectors\n\n<!-- connectors:begin -->\n<!-- connectors:end -->\n' >"$repo/README.md"
  cd "$repo" || return
}

# mistakes FILE SCRIPT... edits a file of the new connector.
mistakes() {
  local file=connectors/sources/feed-source/$1
  shift
  sed -i "${@/#/-e}" "$file"
}

# refused RULE_AND_PLACE... expects exactly these findings, and nothing that only a programmer of the gate understands.
refused() {
  run plain "$PATCHBAY_BIN_DIR/catalogen" generate --root .
  assert_failure 1
  assert_equal "$(sed -nE 's/^feed-source (\[.*)/\1/; s/main\.go:[0-9]+$/main.go/; /^\[/p' <<<"$output")" "$(printf '%s\n' "$@")"
  assert_line --regexp '^feed-source .* FAIL$'
  assert_line "0 passed, 1 failed"
  refute_output --regexp 'goroutine|reflect|<[a-z]+>|^json:'
}

# Each round mends what the messages of the last one name, in the words that they name it with.
@test "a new connector with many mistakes at once becomes green by what the messages say" {
  repository
  plain "$PATCHBAY_BIN_DIR/catalogen" new --root . source feed-source
  rm connectors/sources/feed-source/main_test.go # with the race detector all of common would be compiled anew
  mistakes Makefile 's/connector.mk/conector.mk/'
  mistakes README.md '/options:end/d'
  mistakes feed-source.bats 's/--count 2/--count 1/'
  mistakes main.go 's/"0.1.0"/"v1"/' 's/, Resumes: true/, Resumes: true, License: "Mine"/' 's/number of times\."/number of times"/' \
    's|^import (|import (\n\t_ "example.com/feed/v2"\n\t"os"|' 's/^func main() {/&\n\tfmt.Println("starting")/' \
    's/^\tsent := 0/&\n\tif os.Getenv("FEED_USER") != "" {\n\t\tsent = 1\n\t}/' \
    's/^\tCount .*/&\n\tName string `help:"Of the feed."`\n\tdepth int `help:"How deep."`\n\tRate uint16 `help:"Records a second."`/' \
    's/^\tCount .*/&\n\tLang string `help:"Language." pattern:"^[a-z]+$"`\n\tMode string `help:"How." enum:"fast,slow" default:"quick"`/' \
    's/^\tCount .*/&\n\tQuiet bool\n\tAPIToken string `name:"api-token" help:"Who asks."`/'

  refused '[makefile-include] connectors/sources/feed-source'
  assert_line '  fix: the line of a connector in Go is: include ../../connector.mk'
  mistakes Makefile 's/.*/include ..\/..\/connector.mk/'

  refused '[build] connectors/sources/feed-source'
  assert_line --partial 'main.go:5:2: '
  assert_line --partial 'fix: to use it: go get example.com/feed/v2, and commit go.mod and go.sum'
  mistakes main.go '/example.com/d'

  refused '[environment-by-options] connectors/sources/feed-source/main.go' '[metadata-runs] metadata' \
    '[readme-block] connectors/sources/feed-source/README.md'
  assert_line --partial 'option name: every connector has a flag of this name; choose another, such as name:"feed-name"'
  assert_line --partial 'fix: make it an option: each has an environment variable, which --help names'
  assert_line --partial 'and <!-- options:end -->'
  mistakes main.go 's/help:"Of the feed."/& name:"feed-name"/' '/os.Getenv/,+2d' '/"os"/d'
  echo '<!-- options:end -->' >>connectors/sources/feed-source/README.md

  refused '[metadata-runs] metadata'
  assert_line --partial 'field depth: it has tags and is no option; write Depth'
  assert_line --partial 'option rate: type uint16 is not supported: use string, bool, int'
  assert_line --partial 'option lang: a pattern needs a form tag that says in words what it asks for, such as form:"'
  mistakes main.go 's/depth int/Depth int/' 's/Rate uint16/Rate int/' 's/pattern:/form:"a word in small letters" &/'

  refused '[metadata-json] metadata'
  assert_line '  fix: print one JSON document on stdout, and logs on stderr'
  mistakes main.go '/fmt.Println/d'

  refused '[default-valid] /schema/properties/mode' '[description-sentence] /description' '[license-spdx] /license' \
    '[metadata-schema] /version' '[option-described] /schema/properties/quiet' '[secret-marked] /schema/properties/api-token'
  assert_line '  fix: write it like 0.1.0'
  assert_line --partial 'write the tag help:'
  mistakes main.go 's/default:"quick"/default:"fast"/' 's/number of times"/number of times."/' 's/License: "Mine"/License: "MIT"/' \
    's/"v1"/"0.1.0"/' 's/Quiet bool/& `help:"Says less."`/' 's/APIToken string/APIToken common.Secret/'

  refused '[test-failed] feed-source.bats: prints the message as often as asked'
  mistakes feed-source.bats 's/--count 1/--count 2/'

  run plain "$PATCHBAY_BIN_DIR/catalogen" generate --root .
  assert_success
  assert_line "1 passed, 0 failed"
  run plain "$PATCHBAY_BIN_DIR/catalogen" check --root .
  assert_line "The catalog is up to date."
}
