#!/usr/bin/env bats
# s3-source against a real versitygw.

load ../../../test/helper

setup() {
  sandbox
  start_versitygw
}

# pass FLAGS... makes one pass over the bucket to standard output; follow NAME FLAGS... follows it in the background.
pass() { s3-source --once --topic - --topic-format raw --start-timeout 5s --endpoint "$S3_URL" --bucket test "$@"; }
follow() {
  start "$1" s3-source --topic - --topic-format raw --interval 50ms --endpoint "$S3_URL" --bucket test \
    --state "file:$SANDBOX/state.json" "${@:2}"
}

# put KEY TEXT [CURL OPTION...] stores an object.
put() { printf %s "$2" >"$SANDBOX/object" && s3_put "$1" "$SANDBOX/object" "${@:3}"; }

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

@test "metadata describes the source" {
  run --separate-stderr s3-source metadata
  assert_success
  assert_equal "$(jq -c '[.name, .direction, .resumes, .positions_recur]' <<<"$output")" '["s3-source","source",true,null]'
  assert_equal "$(jq -c '.schema | [.required, .properties["secret-access-key"].writeOnly]' <<<"$output")" '[["bucket","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run s3-source validate --topic - --bucket a/b --split words --endpoint s3.example.com --interval 0s --max-record much
  assert_failure 2
  for option in bucket split endpoint interval max-record; do
    assert_line --partial -- "--$option:"
  done
}

@test "the commands of the README work" {
  local block
  put logs/1.txt $'one\ntwo\n'
  put logs/2.txt $'three\n'
  put data/1.json '[{"id": 1}, {"id": 2}]'
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "${block//http:\/\/localhost:7070/$S3_URL}"
  assert_success
  assert_output $'one\ntwo\nthree\n{"id": 1}\n{"id": 2}'
}

@test "check says whether the bucket can be read" {
  run s3-source check --topic - --endpoint "$S3_URL" --bucket test
  assert_success
  assert_output "system: ok"
  run s3-source check --topic - --endpoint "$S3_URL" --bucket other
  assert_failure 1
  assert_line --partial "check --bucket"
}

@test "discover lists the buckets, and the folders of one" {
  put logs/web/1 one
  put logs/db/1 two
  run s3-source discover --endpoint "$S3_URL"
  assert_success
  assert_output '{"name":"test","options":{"bucket":"test"}}'
  run s3-source discover --endpoint "$S3_URL" --bucket test --prefix logs/
  assert_success
  assert_output '{"name":"logs/db/","options":{"bucket":"test","prefix":"logs/db/"}}
{"name":"logs/web/","options":{"bucket":"test","prefix":"logs/web/"}}'
  S3_SOURCE_SECRET_ACCESS_KEY=barley run s3-source discover --endpoint "$S3_URL" --access-key-id patchbay
  assert_failure 1
  assert_output --partial "s3-source: discover: list the buckets: "
  assert_equal "${#lines[@]}" 1
  refute_output --partial barley
}

@test "a wrong secret ends it at once, and is not shown" {
  S3_SOURCE_SECRET_ACCESS_KEY=barley run pass --access-key-id patchbay
  assert_failure 1
  assert_line --partial "check --access-key-id, --secret-access-key"
  refute_output --partial barley
  run pass --anonymous
  assert_failure 1
  assert_line --partial "not open to everybody"
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  run pass
  assert_failure 1
  assert_line --partial "no credentials were found"
}

@test "the credentials file of other tools is read" {
  put a one
  mkdir "$HOME/.aws"
  printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$HOME/.aws/credentials"
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  run --separate-stderr pass
  assert_success
  assert_output one
}

@test "gzip and zstd are decompressed, by encoding and by ending" {
  printf 'one\ntwo\n' | gzip >"$SANDBOX/a.gz"
  # A frame of one raw block, without a checksum (RFC 8878): header, descriptor, size; block header, content.
  printf '\x28\xb5\x2f\xfd\x20\x0b\x59\x00\x00three\nfour\n' >"$SANDBOX/a.zst"
  s3_put 1 "$SANDBOX/a.gz" -H "Content-Encoding: gzip"
  s3_put 2.gz "$SANDBOX/a.gz"
  s3_put 3 "$SANDBOX/a.zst" -H "Content-Encoding: zstd"
  s3_put 4.zst "$SANDBOX/a.zst"
  run --separate-stderr pass --split lines
  assert_success
  assert_output $'one\ntwo\none\ntwo\nthree\nfour\nthree\nfour'
}

@test "more keys than a page holds are all read, once" {
  local n
  mkdir "$S3_DIR/test/many"
  (cd "$S3_DIR/test/many" && for n in {1000..3499}; do echo "$n" >"$n"; done)
  pass --split lines --prefix many/ --state "file:$SANDBOX/state.json" >"$SANDBOX/out"
  seq 1000 3499 >"$SANDBOX/want"
  cmp "$SANDBOX/want" "$SANDBOX/out"
  put many/3500 3500
  run --separate-stderr pass --split lines --prefix many/ --state "file:$SANDBOX/state.json"
  assert_output 3500
}

@test "kill -9 in the middle of an object loses nothing, and goes on there" {
  local kind first
  for kind in plain gzip; do
    rm -f "$SANDBOX/state.json"
    seq 1000000 2000000 >"$SANDBOX/numbers"
    [[ $kind == plain ]] || gzip -1 "$SANDBOX/numbers"
    s3_put "numbers" "$SANDBOX/numbers"* ${kind:+-H "Content-Encoding: ${kind/plain/identity}"}
    rm "$SANDBOX/numbers"*
    follow first --split lines
    wait_until 10 grep -q '\\"offset\\":' "$SANDBOX/state.json"
    stop first KILL || true
    pass --split lines --state "file:$SANDBOX/state.json" >"$SANDBOX/rest"
    first=$(head -n 1 "$SANDBOX/rest")
    ((first > 1000000)) # it did not start over
    # A line that the killed program did not write whole is a number as well, one that is not among those wanted.
    { cat "$(output first)" && echo && cat "$SANDBOX/rest"; } | grep -E '^[12][0-9]{6}$' | sort -nu >"$SANDBOX/delivered"
    seq 1000000 2000000 | cmp - "$SANDBOX/delivered"
    run --separate-stderr pass --split lines --state "file:$SANDBOX/state.json"
    assert_output ""
  done
}

@test "an overwritten object is read again with --order modified" {
  follow source --order modified
  put a one
  wait_until 20 has_lines 1 "$(output source)"
  put b two
  put a three
  wait_until 20 has_lines 3 "$(output source)"
  stop source
  run sort "$(output source)"
  assert_output $'one\nthree\ntwo'
}

@test "an outage of the server is waited for" {
  put a one
  follow source
  wait_until 10 has_lines 1 "$(output source)"
  stop versitygw || true
  wait_until 10 grep -q "connection refused" "$(errors source)"
  run_versitygw
  put b two
  wait_until 20 has_lines 2 "$(output source)"
  stop source
}

@test "a quarter of a gigabyte in lines takes less than 40 MiB of memory" {
  { head -c 268435456 /dev/zero | tr '\0' x | fold -w 1023 && echo; } >"$S3_DIR/test/large"
  start source s3-source --once --topic - --topic-format raw --endpoint "$S3_URL" --bucket test --split lines
  local pid most=0 now
  pid=$(<"$SANDBOX/started/source.pid")
  while running source; do
    now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null || true)
    most=${now:-$most}
    sleep 0.05
  done
  stop source
  echo "at most $most KiB"
  ((most > 0 && most < 40 * 1024))
  assert_equal "$(wc -l <"$(output source)")" "$(wc -l <"$S3_DIR/test/large")"
}

@test "the position of one bucket is not used for another" {
  put a one
  pass --state "file:$SANDBOX/state.json"
  run pass --state "file:$SANDBOX/state.json" --prefix other
  assert_failure 2
  assert_output --partial "another resource"
}
