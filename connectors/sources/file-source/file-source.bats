#!/usr/bin/env bats
# file-source on files that are moved, truncated and appended to as log rotation and loggers do.

load ../../../test/helper

setup() {
  sandbox
  mkdir "$SANDBOX/logs"
  cd "$SANDBOX/logs" || return
}

# pass FLAGS... reads the files once; follow NAME FLAGS... follows them in the background, with short waits and a state.
pass() { file-source --once --topic - --topic-format raw --state "file:$SANDBOX/state.json" "$@"; }
follow() {
  start "$1" file-source --topic - --topic-format raw --state "file:$SANDBOX/state.json" --poll-interval 50ms --rotate-wait 200ms "${@:2}"
}

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

# saved OFFSET succeeds once a position at that byte is saved.
saved() { grep -q "\"1:[0-9a-f]*:$1:" "$SANDBOX/state.json"; }

@test "metadata describes the source" {
  run --separate-stderr file-source metadata
  assert_success
  assert_equal "$(jq -c '[.name, .direction, .resumes, .positions_recur]' <<<"$output")" '["file-source","source",true,null]'
  assert_equal "$(jq -c '.schema | [.required, .properties.path["x-identity"]]' <<<"$output")" '[["path","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run file-source validate --topic - --path app.log --from middle --rotate-wait=-1s --long-lines wrap
  assert_failure 2
  for option in from rotate-wait long-lines; do
    assert_line --partial -- "--$option:"
  done
  run file-source validate --topic - --path 'a[' --exclude '[b' --max-line 0
  assert_failure 2
  for option in path exclude max-line; do
    assert_line --partial -- "--$option:"
  done
}

@test "the commands of the README work" {
  local block
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "$block"
  assert_success
  assert_output $'{"order": 1}\n{"order": 2}\n{"order": 3}'
}

@test "a single pass over a glob that names nothing does not say that it waits" {
  run pass --path '*.log'
  assert_success
  assert_output --partial "no file matches"
  refute_output --partial "waiting"
}

@test "check says whether the file can be read" {
  echo one >app.log
  run file-source check --topic - --path app.log
  assert_success
  assert_output "system: ok"
  run file-source check --topic - --path other.log
  assert_failure 1
  assert_line --partial "other.log does not exist"
}

@test "one pass over a missing file fails, over a glob without files it ends" {
  run pass --path app.log
  assert_failure 1
  assert_line --partial "app.log does not exist"
  run --separate-stderr pass --path '*.log' --name another --state none
  assert_success
  assert_output ""
}

@test "a file that cannot be read ends a first start, with status 1" {
  ln -s app.log app.log
  run file-source --topic - --path app.log --start-timeout 500ms
  assert_failure 1
  assert_line --partial "too many levels of symbolic links"
}

@test "lines are followed as they are written" {
  follow source --path app.log
  wait_until 10 grep -q "waiting for one" "$(errors source)"
  echo one >app.log
  wait_until 10 has_lines 1 "$(output source)"
  printf half >>app.log
  echo " and half" >>app.log
  wait_until 10 has_lines 2 "$(output source)"
  stop source
  run cat "$(output source)"
  assert_output $'one\nhalf and half'
}

@test "rotation by rename loses nothing while a writer keeps the old file open" {
  exec 7>app.log
  follow source --path app.log
  echo one >&7
  wait_until 10 has_lines 1 "$(output source)"
  mv app.log app.log.1
  echo three >app.log
  echo two >&7
  exec 7>&-
  wait_until 10 has_lines 3 "$(output source)"
  for n in 4 5 6; do
    mv app.log.2 app.log.3 2>/dev/null || true
    mv app.log.1 app.log.2
    mv app.log app.log.1
    echo "$n" >app.log
  done
  wait_until 10 has_lines 6 "$(output source)"
  stop source
  run cat "$(output source)"
  assert_output $'one\ntwo\nthree\n4\n5\n6'
}

@test "rotation by copy and truncate is followed" {
  follow source --path app.log
  echo one >>app.log
  wait_until 10 has_lines 1 "$(output source)"
  cp app.log app.log.1
  : >app.log
  echo 2 >>app.log
  wait_until 10 has_lines 2 "$(output source)"
  stop source
  run cat "$(output source)"
  assert_output $'one\n2'
}

@test "a restart goes on at the byte, through a rotation" {
  printf 'one\ntwo\nthr' >app.log
  follow source --path app.log
  wait_until 10 has_lines 2 "$(output source)"
  stop source # by SIGTERM, status 0
  saved 8
  printf 'ee\nfour\n' >>app.log
  mv app.log app.log.1
  echo five >app.log
  run --separate-stderr pass --path app.log
  assert_success
  assert_output $'three\nfour\nfive'
  run --separate-stderr pass --path app.log
  assert_output ""
}

@test "kill -9 loses no line" {
  seq 1 20000 >app.log
  follow first --path app.log
  wait_until 10 has_lines 100 "$(output first)"
  wait_until 10 saved '[0-9]*'
  seq 20001 20100 >>app.log
  stop first KILL || true
  mv app.log app.log.1
  seq 20101 20200 >app.log
  run --separate-stderr pass --path app.log
  assert_success
  # A line that the killed program did not write whole is a number as well, one that is there anyway.
  seq 1 20200 >written
  { cat "$(output first)" && echo && echo "$output"; } | grep . | sort -nu >delivered
  cmp written delivered
}

@test "a position of another path is refused" {
  echo one >app.log
  cp app.log other.log
  pass --path app.log
  run pass --path other.log
  assert_failure 2
  assert_line --partial "another resource"
}

@test "state show tells the position, set and reset change where the next run begins" {
  printf 'one\ntwo\n' >app.log
  pass --path app.log
  run --separate-stderr file-source state show --state "file:$SANDBOX/state.json"
  assert_success
  assert_equal "$(jq -c '[.connector, (.positions | keys), .holder]' <<<"$output")" '["file-source",["app.log"],null]'
  local shown=$output
  run pass --path app.log
  refute_output --partial one
  run --separate-stderr file-source state reset --state "file:$SANDBOX/state.json"
  assert_success
  run --separate-stderr pass --path app.log
  assert_output $'one\ntwo'
  # What was shown can be put back, with an epoch of its own.
  file-source state reset app.log --state "file:$SANDBOX/state.json"
  run --separate-stderr file-source state set - --state "file:$SANDBOX/state.json" <<<"$shown"
  assert_equal "$(jq -c '.positions' <<<"$output")" "$(jq -c '.positions' <<<"$shown")"
  [[ $(jq .epoch <<<"$output") != "$(jq .epoch <<<"$shown")" ]]
  run --separate-stderr pass --path app.log
  assert_output ""
}

@test "a file that is gone leaves the state, and comes back as a new one" {
  files() { file-source state show --state "file:$SANDBOX/state.json" | jq -c '.positions | keys'; }
  echo one >app-2026-11-21.log
  echo two >app-2026-11-22.log
  pass --path 'app-*.log'
  assert_equal "$(files)" '["app-2026-11-21.log","app-2026-11-22.log"]'
  mv app-2026-11-21.log app.old
  pass --path 'app-*.log'
  assert_equal "$(files)" '["app-2026-11-21.log","app-2026-11-22.log"]'
  rm app.old
  pass --path 'app-*.log'
  assert_equal "$(files)" '["app-2026-11-22.log"]'
  echo one >app-2026-11-21.log
  run --separate-stderr pass --path 'app-*.log'
  assert_output one
}

@test "a record that is not acknowledged keeps the file that it is from in the state" {
  # kept FILTER answers the newest save, and succeeds if FILTER holds for its positions.
  kept() {
    local save
    save=$(grep -n '^{"save":' "$(output source)" | tail -n 1)
    echo "{\"saved\":${save%%:*}}" >&6
    jq -e ".save | $1" <<<"${save#*:}"
  }
  # acknowledge FILE answers the record of a file.
  acknowledge() {
    local record
    record=$(grep -n "^{\"record\":.*\"partition\":\"$1\"" "$(output source)")
    echo "{\"ack\":\"${record%%:*}\"}" >&6
  }
  records() { [[ $(grep -c '^{"record":' "$(output source)") -eq 2 ]]; }
  echo one >1.log
  echo two >2.log
  mkfifo in
  # shellcheck disable=SC2016 # the inner shell expands
  start source bash -c 'exec file-source --topic - --acks --name x --path "*.log" --poll-interval 50ms --rotate-wait 0s <in'
  exec 6>in
  printf '%s\n' '{"link":1}' '{"resume":{}}' '{"credit":9}' >&6
  wait_until 10 records
  rm 1.log
  wait_until 10 grep -q "the file was deleted" "$(errors source)"
  acknowledge 2.log
  wait_until 10 kept '(.["2.log"] | contains(":4:")) and has("1.log")'
  acknowledge 1.log
  wait_until 10 kept 'keys == ["2.log"]'
  exec 6>&-
}

@test "a damaged state is no start from zero, and reset mends it" {
  echo one >app.log
  pass --path app.log
  truncate -s -1 "$SANDBOX/state.json"
  show() { file-source state show --state "file:$SANDBOX/state.json"; }
  again() { pass --path app.log; }
  for command in again show; do
    run --separate-stderr "$command"
    assert_failure 1
    assert_output ""
    # shellcheck disable=SC2154 # bats sets stderr
    [[ $stderr == *"$SANDBOX/state.json: the saved state is damaged"*"file-source state reset"* ]]
  done
  file-source state reset --state "file:$SANDBOX/state.json"
  run --separate-stderr pass --path app.log
  assert_output one
}

@test "the second of two copies waits until the first ends, however it ends" {
  waited() { ((SECONDS > since + 1)); }
  holds() { file-source state show --state "file:$SANDBOX/state.json" | jq -e ".holder.pid == $(<"$SANDBOX/started/$1.pid")"; }
  echo one >app.log
  for signal in TERM KILL; do
    follow first --path app.log --from start
    wait_until 10 holds first
    wait_until 10 saved '[0-9]*'
    follow second --path app.log --start-timeout 1s
    since=$SECONDS
    wait_until 10 grep -q "waiting for it to end.*process $(<"$SANDBOX/started/first.pid") on" "$(errors second)"
    run file-source state reset --state "file:$SANDBOX/state.json"
    assert_failure 1
    assert_output --partial "stop it first"
    run pass --path app.log
    assert_failure 1
    assert_output --partial "another process uses the same saved position"
    wait_until 5 waited # for longer than the start timeout, in which waiting does not count
    stop first "$signal" || [[ $signal == KILL ]]
    echo "$signal" >>app.log
    wait_until 10 has_lines 1 "$(output second)"
    stop second
    run cat "$(output second)"
    assert_output "$signal"
  done
}

@test "lines reach a topic of the local broker and are not sent twice" {
  [[ -x $PATCHBAY_BIN_DIR/patchbay ]] || skip "patchbay is not built: run make build"
  start broker patchbay broker
  echo one >app.log
  run file-source --path app.log --topic lines --once
  assert_success
  echo two >>app.log
  run file-source --path app.log --topic lines --once
  assert_success
  run --separate-stderr stdout-sink --topic lines --max-records 2
  assert_success
  assert_output $'one\ntwo'
}
