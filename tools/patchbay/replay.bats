#!/usr/bin/env bats
# patchbay replay sends dead letters again, once what killed their records is mended.

load ../../test/helper

# publish N sends the numbers from 1 to N to the topic orders.
publish() { generate-source --topic orders --rate 0 --count "$1" --template .sequence; }

# letters ARGUMENT... runs a sink that gives up what it cannot take.
letters() { http-sink --topic orders --once --endpoint "$NGINX_URL/in" --on-error dead-letter --dead-letter orders.dead "$@"; }

# taken prints what the web server took.
taken() { cat "$NGINX_DIR/bodies.log"; }

setup() {
  sandbox
  # nginx knows a body only where it hands it on, here to itself. It refuses 2 and 4 while html/strict lies there.
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body if=$taken; proxy_pass http://127.0.0.1:$server_port/judged; proxy_set_header X-Body $request_body; }
    location = /judged { access_log off; set $verdict $http_x_body; if (-f $document_root/strict) { set $verdict "strict $http_x_body"; }
      if ($verdict ~ "^strict [24]$") { return 422 "no even numbers"; } return 204; }
  ' 'map $status $taken { ~^2 1; default 0; } log_format body escape=none "$request_body";'
}

@test "a record that a web server refused arrives after it is mended and replayed" {
  publish 5
  touch "$NGINX_DIR/html/strict"
  run letters
  assert_success
  assert_equal "$(taken | xargs)" "1 3 5"
  rm "$NGINX_DIR/html/strict"

  run --separate-stderr patchbay replay orders.dead --dry-run
  assert_success
  assert_equal "$(jq -r '[.topic, .step, .connector, (.reason | contains("422"))] | join(" ")' <<<"$output" | uniq -c | xargs)" \
    "2 orders write http-sink true"
  # shellcheck disable=SC2154 # run sets it
  [[ $stderr == *"dead letters of orders.dead would be replayed: 2"* ]]

  run patchbay replay orders.dead --reason 'status 5..'
  assert_success
  assert_output --partial "dead letters of orders.dead replayed: 0; with another reason, and left: 2"
  run patchbay replay orders.dead --reason 422 --max-records 1
  assert_output --partial "dead letters of orders.dead replayed: 1"
  run patchbay replay orders.dead
  assert_output --partial "dead letters of orders.dead replayed: 1"
  run patchbay replay orders.dead
  assert_success
  assert_output --partial "dead letters of orders.dead replayed: 0"

  run letters
  assert_success
  assert_equal "$(taken | sort | xargs)" "1 2 3 4 5"
}

@test "the letters of a pipeline's file go to a topic" {
  cat >"$SANDBOX/dead.yaml" <<'YAML'
source: {type: generate-source, parameters: {rate: 0, count: 3, template: .sequence}}
sink: {type: stdout-sink, parameters: {on-error: dead-letter}, transforms: [{map: 'if . == 2 then error("two") else . end'}]}
dead_letter: {file: letters.jsonl}
YAML
  run patchbay run "$SANDBOX/dead.yaml"
  assert_success
  cd "$SANDBOX" || return
  run patchbay replay letters.jsonl
  assert_failure 2
  assert_output --partial "with --to"
  run patchbay replay letters.jsonl --to mended
  assert_success
  assert_output --partial "dead letters of letters.jsonl replayed: 1"
  echo '{"half' >>letters.jsonl
  run patchbay replay ./letters.jsonl --to mended
  assert_failure 1
  assert_output --partial "letters.jsonl:2: this line is no dead letter"
  run --separate-stderr stdout-sink --topic mended --once
  assert_output 2
}
