#!/usr/bin/env bats
# What docs/fluvio.md shows to those who come from Fluvio's connectors works as it is shown.

load helper

# block N prints the Nth block of code of the page.
block() { awk -v want="$1" '/^```(yaml|sh)/ { n++; on = n == want; next } /^```/ { on = 0 } on' "$TEST_ROOT/docs/fluvio.md"; }

@test "old spellings are taken, with one note" {
  run --separate-stderr bash -ec "$(block 1)"
  assert_success
  assert_output $'1\n10\n2\n20'
  # shellcheck disable=SC2154 # run sets it
  assert_equal "$stderr" "generate-source: --fluvio-topic is now --topic, --rust-log is now --log-level, --array-map is now --arraymap"
  run generate-source --help
  refute_output --partial fluvio
}

@test "a config file is taken as it stands, and what has no effect is noted" {
  cd "$SANDBOX" || return
  block 3 >numbers.yaml
  run --separate-stderr bash -ec "$(block 4)"
  assert_success
  assert_output $'{"n":1}\n{"n":2}'
  assert_equal "$(grep -c "has no effect" <<<"$stderr")" 3
  echo 'consumer: {partition: 2}' >>numbers.yaml
  run bash -ec "$(block 4)"
  assert_failure 2
  assert_output --partial "consumer.partition: a topic has one partition here"
}

@test "metadata is what Fluvio's tools read" {
  run bash -ec "$(block 5)"
  assert_output "generate-source source http://json-schema.org/draft-07/schema#"
}
