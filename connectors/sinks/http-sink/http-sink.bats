#!/usr/bin/env bats
# http-sink against a real nginx.

load ../../../test/helper

setup() {
  sandbox
  # What nginx takes is in bodies.log. What a test switches on lies in html: down answers 503, busy 429 with Retry-After.
  # nginx knows a body only where it hands it on, here to itself.
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    client_body_buffer_size 2m;
    access_log bodies.log body if=$taken;
    if (-f $document_root/down) { return 503; }
    if (-f $document_root/busy) { return 429; }
    error_page 429 @busy;
    location @busy { add_header Retry-After 2 always; return 429; }
    location /in { access_log bodies.log body if=$taken; access_log requests.log request; proxy_pass http://127.0.0.1:$server_port/taken; }
    location /private { auth_basic "private"; auth_basic_user_file users; proxy_pass http://127.0.0.1:$server_port/taken; }
    location /dav/ { dav_methods PUT DELETE; }
    location = /taken { access_log off; return 204; }
    location = /moved { return 302 /in; }
    location = /kept { return 307 /in; }
    location = /strict { access_log bodies.log body if=$taken; proxy_pass http://127.0.0.1:$server_port/judged; }
    location = /judged { access_log off; if ($http_idempotency_key = bad) { return 422 "bad id"; } return 204; }
  ' '
    map $status $taken { ~^2 1; default 0; }
    log_format body escape=none "$request_body";
    log_format request escape=none "$request_method $request_uri $status $http_content_type|$http_user_agent|$http_content_encoding";
  '
}

# generate N prints records with the sequence numbers from 1 to N.
generate() { generate-source --topic - --rate 0 --max-records "$1" --template .sequence; }

# taken prints the bodies that nginx took; has_taken N succeeds once these are N different lines or more.
taken() { cat "$NGINX_DIR/bodies.log"; }
has_taken() { [[ $(taken | sort -u | wc -l) -ge $1 ]]; }

# from FILE COMMAND... and to FILE COMMAND... run COMMAND as < and > would, in which start does not let a command have them.
from() { exec "${@:2}" <"$1"; }
to() { exec "${@:2}" >"$1"; }

# event ID KEY OP DATA prints a record as a CloudEvent.
event() {
  jq -nc --arg id "$1" --arg key "$2" --arg op "$3" --argjson data "$4" \
    '{specversion: "1.0", $id, source: "test", type: "test", partitionkey: $key, $data} + if $op == "delete" then {patchbayop: $op} else {} end'
}

@test "metadata describes the sink" {
  run --separate-stderr http-sink metadata
  assert_success
  assert_equal "$(jq -r '[.name, .direction] | join(" ")' <<<"$output")" "http-sink sink"
  assert_equal "$(jq -c '.schema | [.required, .properties.password.writeOnly]' <<<"$output")" '[["endpoint","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run http-sink validate --topic - --endpoint example.com --body yaml --parallel 0 --method post --success-codes 1xx
  assert_failure 2
  for option in endpoint body parallel method success-codes; do
    assert_line --partial -- "--$option:"
  done
}

@test "what needs a request for each record does not go with batches" {
  run http-sink validate --topic - --endpoint "$NGINX_URL/in" --body ndjson --parallel 2 --id-header X-Id
  assert_failure 2
  assert_line --partial -- "--parallel: goes with one request for each record"
  assert_line --partial -- "--id-header: goes with one request for each record"
}

@test "the commands of the README work" {
  local block=""
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "${block//http:\/\/localhost:8080/$NGINX_URL}"
  assert_success
  run taken
  assert_output $'1\n2\n3\n[1,2,3]'
}

@test "check says whether the endpoint answers, and sends nothing" {
  run http-sink check --topic - --endpoint "$NGINX_URL/in"
  assert_success
  assert_output "system: ok"
  run cat "$NGINX_DIR/requests.log"
  assert_output --partial "OPTIONS /in"
  touch "$NGINX_DIR/html/down"
  run http-sink check --topic - --endpoint "$NGINX_URL/in"
  assert_failure 1
  assert_line --partial "503 Service Unavailable"
}

@test "a request for each record, in order" {
  generate 50 | http-sink --topic - --endpoint "$NGINX_URL/in?source=test"
  assert_equal "$(taken)" "$(seq 50)"
  run head -n 1 "$NGINX_DIR/requests.log"
  assert_output "POST /in?source=test 204 application/json|patchbay-$(http-sink --version | tr ' ' /)|"
}

@test "many requests at a time" {
  generate 500 | http-sink --topic - --endpoint "$NGINX_URL/in" --parallel 8
  assert_equal "$(taken | sort -n)" "$(seq 500)"
}

@test "batches as lines, in parts that the server accepts" {
  generate 2000 | http-sink --topic - --endpoint "$NGINX_URL/in" --body ndjson --max-body 1KiB --batch-size 2000
  assert_equal "$(taken | sed /^$/d)" "$(seq 2000)"
  run cat "$NGINX_DIR/requests.log"
  assert_line --index 0 --partial "204 application/x-ndjson"
  [[ ${#lines[@]} -lt 100 ]]
}

@test "compressed" {
  generate 3 | http-sink --topic - --endpoint "$NGINX_URL/in" --body json-array --batch-wait 1s --gzip
  assert_equal "$(gzip -dc "$NGINX_DIR/bodies.log" 2>/dev/null | tr -d '\n')" "[1,2,3]"
  assert_equal "$(<"$NGINX_DIR/requests.log")" "POST /in 204 application/json|patchbay-$(http-sink --version | tr ' ' /)|gzip"
}

@test "keys become resources, and deletes remove them" {
  mkdir "$NGINX_DIR/html/dav"
  mirror() {
    http-sink --topic - --topic-format cloudevents --endpoint "$NGINX_URL/dav/" --key-in-path --method PUT --delete-method DELETE
  }
  {
    event 1 a upsert '{"v":1}'
    event 2 "b c" upsert '{"v":2}'
    event 3 d upsert '{"v":3}'
    event 4 d delete null
    event 5 a upsert '{"v":4}'
  } | mirror
  assert_equal "$(cd "$NGINX_DIR/html/dav" && head -v -- *)" $'==> a <==\n{"v":4}\n==> b c <==\n{"v":2}'
  run mirror < <(event 4 d delete null) # as after a restart: it is gone already
  assert_success
  run mirror < <(event 6 ../index.html upsert 0)
  assert_failure 1
  assert_line --partial "key has . or .. in it"
  [[ ! -e $NGINX_DIR/html/index.html ]]
}

@test "what the endpoint refuses goes to the error policy" {
  records() { event good a upsert 1 && event bad b upsert 2 && event fine c upsert 3; }
  local sink=(http-sink --topic - --topic-format cloudevents --endpoint "$NGINX_URL/strict?token=hush" --id-header Idempotency-Key)
  run "${sink[@]}" < <(records)
  assert_failure 1
  assert_line --partial "$NGINX_URL/strict: the server answered 422 Unprocessable Entity: \"bad id\""
  refute_output --partial hush
  assert_equal "$(taken)" 1
  run "${sink[@]}" --on-error skip < <(records)
  assert_success
  assert_line --partial "record skipped"
  assert_equal "$(taken)" $'1\n1\n3'
}

@test "an outage is waited for, and nothing is lost" {
  touch "$NGINX_DIR/html/down"
  generate 20 >"$SANDBOX/records"
  start sink from "$SANDBOX/records" http-sink --topic - --endpoint "$NGINX_URL/in" --retry-max-wait 200ms
  wait_until 10 grep -q "503 Service" "$(errors sink)"
  rm "$NGINX_DIR/html/down"
  wait_until 20 ended sink
  stop sink
  assert_equal "$(taken)" "$(seq 20)"
}

@test "an outage of nginx itself is waited for" {
  mkfifo "$SANDBOX/records"
  start source to "$SANDBOX/records" generate-source --topic - --rate 200 --max-records 300 --template .sequence
  start sink from "$SANDBOX/records" http-sink --topic - --endpoint "$NGINX_URL/in" --batch-size 5 --retry-max-wait 200ms
  wait_until 10 has_taken 20
  stop nginx QUIT || true # with TERM it may answer a request that it does not come to log
  wait_until 10 grep -q "connection refused" "$(errors sink)"
  start nginx nginx -e error.log -p "$NGINX_DIR" -c nginx.conf
  wait_until 20 ended sink
  stop sink
  assert_equal "$(taken | uniq)" "$(seq 300)"
}

@test "the server's Retry-After is honoured" {
  touch "$NGINX_DIR/html/busy"
  generate 1 >"$SANDBOX/records"
  start sink from "$SANDBOX/records" http-sink --topic - --endpoint "$NGINX_URL/in" --retry-max-wait 10ms
  wait_until 10 grep -q "asks to wait 2s" "$(errors sink)"
  rm "$NGINX_DIR/html/busy"
  wait_until 10 ended sink
  stop sink
  assert_equal "$(grep -c "asks to wait" "$(errors sink)")" 1
  assert_equal "$(taken)" 1
}

@test "a stop during an outage is a clean one" {
  touch "$NGINX_DIR/html/busy"
  generate 1 >"$SANDBOX/records"
  start sink from "$SANDBOX/records" http-sink --topic - --endpoint "$NGINX_URL/in"
  wait_until 10 grep -q "asks to wait" "$(errors sink)"
  stop sink
}

@test "with --once, an endpoint that is away is status 1" {
  stop nginx || true
  run http-sink --topic - --once --start-timeout 500ms --endpoint "$NGINX_URL/in?token=hush" < <(generate 1)
  assert_failure 1
  assert_line --partial "http-sink: POST $NGINX_URL/in: "
  assert_line --partial "connection refused"
  refute_output --partial hush
}

@test "basic authentication, with the password in the environment" {
  echo 'ann:{PLAIN}open sesame' >"$NGINX_DIR/users"
  HTTP_SINK_PASSWORD='open sesame' http-sink --topic - --endpoint "$NGINX_URL/private" --username ann < <(generate 1)
  assert_equal "$(taken)" 1
  HTTP_SINK_PASSWORD='open barley' run http-sink --topic - --endpoint "$NGINX_URL/private" --username ann --on-error skip < <(generate 1)
  assert_failure 1 # whatever the policy: no record is to blame
  assert_line --partial "401 Unauthorized"
  refute_output --partial barley
}

@test "a redirect must keep the request as it is" {
  http-sink --topic - --endpoint "$NGINX_URL/kept" < <(generate 2)
  assert_equal "$(taken)" $'1\n2'
  run http-sink --topic - --endpoint "$NGINX_URL/moved" < <(generate 2)
  assert_failure 1
  assert_line --partial "it redirects to $NGINX_URL/in; if that is right, name it in --endpoint"
}

@test "from a topic of the local broker, a restart neither loses nor repeats a record" {
  start broker patchbay broker
  wait_until 10 patchbay broker status
  generate-source --topic numbers --rate 0 --max-records 2000 --template .sequence
  start sink http-sink --topic numbers --endpoint "$NGINX_URL/in" --batch-size 50
  wait_until 20 has_taken 100
  stop sink
  [[ $(taken | wc -l) -lt 2000 ]]
  generate-source --topic numbers --rate 0 --max-records 100 --template '.sequence + 2000'
  start sink http-sink --topic numbers --endpoint "$NGINX_URL/in" --parallel 4
  wait_until 60 has_taken 2100
  stop sink
  assert_equal "$(taken | sort -n)" "$(seq 2100)"
}
