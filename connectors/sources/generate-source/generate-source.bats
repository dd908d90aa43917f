#!/usr/bin/env bats
# generate-source on standard output and on the local broker. What all connectors share is tested in test/shared.bats.

load ../../../test/helper

# generate FLAGS... prints records as fast as it can.
generate() { generate-source --topic - --rate 0 --log-level error "$@"; }

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

@test "metadata describes the source" {
  run --separate-stderr generate-source metadata
  assert_success
  assert_equal "$(jq -c '[.name, .direction, .resumes, .schema.required]' <<<"$output")" '["generate-source","source",null,["topic"]]'
}

@test "every wrong option is told at once, with status 2" {
  run generate-source validate --topic - --rate -1 --count many --template '{' --size 1XB
  assert_failure 2
  for option in rate count size; do
    assert_line --partial -- "--$option:"
  done
  run generate-source validate --topic - --template '{' --key 'nothing' --size 17MiB
  assert_failure 2
  for option in template key size; do
    assert_line --partial -- "--$option:"
  done
}

@test "the commands of the README work" {
  local block=""
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  bash -euo pipefail -c "$block" >"$SANDBOX/out"
  assert_equal "$(jq -sc '[length, (.[:3] | map(.sequence)), (.[3:8] | map(keys | join(" ")) | unique)]' "$SANDBOX/out")" \
    '[1008,[1,2,3],["customer item order"]]'
  assert_equal "$(tail -n 1000 "$SANDBOX/out" | awk '{print length}' | sort -u)" 1024
}

@test "the same seed makes the same records, byte for byte" {
  generate --count 100 --seed 42 --template '{sequence, a: .random, b: random}' --size 200B >"$SANDBOX/first"
  generate --count 100 --seed 42 --template '{sequence, a: .random, b: random}' --size 200B >"$SANDBOX/second"
  cmp "$SANDBOX/first" "$SANDBOX/second"
  generate --count 100 --seed 43 --template '{sequence, a: .random, b: random}' --size 200B >"$SANDBOX/third"
  run cmp -s "$SANDBOX/first" "$SANDBOX/third"
  assert_failure
}

@test "the rate is kept" {
  local began=${EPOCHREALTIME/./} took
  generate-source --topic - --rate 50 --count 26 >"$SANDBOX/out"
  took=$((${EPOCHREALTIME/./} - began))
  ((took >= 500000))
  has_lines 26 "$SANDBOX/out"
}

@test "keys travel with the records" {
  generate-source --topic keys --rate 0 --count 2 --template '{customer: "c-\(.sequence)"}' --key .customer
  run --separate-stderr stdout-sink --topic keys --format json --once
  assert_equal "$(jq -c '[.key, .value.customer]' <<<"$output")" $'["c-1","c-1"]\n["c-2","c-2"]'
}

@test "a template that fails ends the source with status 1" {
  run generate --template 'error("no tea")'
  assert_failure 1
  assert_output "generate-source: record 1: --template: error: no tea"
}

@test "--once is one record, or --count of them" {
  run generate --once --template .sequence
  assert_output 1
  run generate --once --count 2 --template .sequence
  assert_output $'1\n2'
}
