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
