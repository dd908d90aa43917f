#!/usr/bin/env bats
# The shell side of the link protocol drives real connectors: what is written in docs/link-protocol.md is enough to do so.

load ../helper

driver=$BATS_TEST_DIRNAME/driver.sh

# drive_source FLAGS... -- COMMAND... prints the values of a source's records.
drive_source() { "$driver" source "$@"; }

@test "the driver drives generate-source, within its window" {
  run --separate-stderr drive_source --window 3 -- generate-source --rate 0 --count 10 --template .sequence --log-level error
  assert_success
  assert_output "$(seq 10)"
  assert_equal "$stderr" "status: ready"
}

@test "the driver stops generate-source: what was sent is answered, and the status is 0" {
  run --separate-stderr drive_source --window 2 --records 5 -- generate-source --rate 0 --template .sequence
  assert_success
  ((${#lines[@]} >= 5 && ${#lines[@]} <= 7))
  assert_equal "$output" "$(seq "${#lines[@]}")"
}

@test "values travel byte for byte" {
  run --separate-stderr drive_source -- generate-source --rate 0 --count 1 --template '{a: "é\"\\ \n<>"}'
  assert_output '{"a":"é\"\\ \n<>"}'
}

@test "transforms and --max-records work in a driven source" {
  run --separate-stderr drive_source -- generate-source --rate 0 --template .sequence --filter '. % 3 == 0' --max-records 2
  assert_output $'3\n6'
}

@test "dead letters of a source go to the driver" {
  run --separate-stderr drive_source -- generate-source --rate 0 --count 3 --template .sequence \
    --map 'if . == 2 then error("two") else . end' --on-error dead-letter
  assert_success
  assert_output $'1\n3'
  # shellcheck disable=SC2154 # run sets it
  assert_equal "$(sed -n 's/^dead: //p' <<<"$stderr" | jq -r .value)" 2
}

@test "a partition that a source forgets leaves the driver's state, and does no harm where it comes back" {
  files() { drive_source --state "$SANDBOX/state" -- file-source --path "$SANDBOX/*.log" --once --log-level error; }
  kept() { jq -r '.save | keys[]' "$SANDBOX/state"; }
  again() {
    run --separate-stderr files
    assert_success
    assert_output ""
    assert_equal "$(kept)" "$SANDBOX/2.log"
  }
  echo one >"$SANDBOX/1.log"
  echo two >"$SANDBOX/2.log"
  files
  cp "$SANDBOX/state" "$SANDBOX/old"
  assert_equal "$(kept)" "$SANDBOX/1.log"$'\n'"$SANDBOX/2.log"
  rm "$SANDBOX/1.log"
  again
  cp "$SANDBOX/old" "$SANDBOX/state" # as a driver has it that removes nothing
  again
}

@test "the driver drives stdout-sink, whose output stays its own" {
  run --separate-stderr "$driver" sink -- stdout-sink --log-level error <<<$'one\n"two"\n{"three":  3}'
  assert_success
  assert_output $'one\n"two"\n{"three":  3}'
  assert_equal "$stderr" "status: ready"
}

@test "dead letters of a sink go to the driver, and its other records on" {
  run --separate-stderr "$driver" sink -- stdout-sink --map 'if . == 2 then error("two") else . end' --on-error dead-letter <<<$'1\n2\n3'
  assert_success
  assert_output $'1\n3'
  assert_equal "$(sed -n 's/^dead: //p' <<<"$stderr" | jq -r .value)" 2
}

@test "a driven sink that fails ends with its status" {
  run --separate-stderr "$driver" sink -- stdout-sink --map 'error("no")' <<<1
  assert_failure 1
}

@test "--acks needs a name and the topic -" {
  run generate-source --topic - --acks
  assert_failure 2
  assert_output --partial "needs --name"
  run stdout-sink --topic demo --acks --name x
  assert_failure 2
  assert_output --partial "--topic -"
}

@test "a source waits for resume and credit, and ends when its driver goes" {
  mkfifo "$SANDBOX/in"
  # shellcheck disable=SC2016 # the inner shell expands
  start source bash -c 'exec generate-source --topic - --acks --name x --rate 0 --template .sequence <"$SANDBOX/in"'
  exec 6>"$SANDBOX/in"
  wait_until 10 grep -q '^{"link":1}$' "$(output source)"
  echo '{"link":1}' >&6
  run grep record "$(output source)"
  assert_failure
  printf '%s\n' '{"resume":{}}' '{"credit":2}' >&6
  two() { [[ $(grep -c '^{"record":' "$(output source)") -eq 2 ]]; }
  wait_until 10 two
  exec 6>&-
  wait_until 5 ended source
}

@test "the source in shell is driven, and resumes" {
  run --separate-stderr drive_source --window 3 --records 4 --state "$SANDBOX/state" -- "$BATS_TEST_DIRNAME/source.sh" 9
  assert_success
  local first=$output
  run --separate-stderr drive_source --window 3 --state "$SANDBOX/state" -- "$BATS_TEST_DIRNAME/source.sh" 9
  assert_success
  assert_equal "$first"$'\n'"$output" "$(seq 9)"
}

@test "a source in shell feeds a sink in Go, each driven" {
  run --separate-stderr bash -euo pipefail -c '"$0" source -- "$1" 9 | "$0" sink -- stdout-sink --map ". * 10"' \
    "$driver" "$BATS_TEST_DIRNAME/source.sh"
  assert_success
  assert_output "$(seq 10 10 90)"
}
