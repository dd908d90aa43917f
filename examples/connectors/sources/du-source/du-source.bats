#!/usr/bin/env bats
# du-source as a user and as a driver see it. It needs nothing of the repository but bats: examples are to be copied.

setup() {
  export PATH=${PATCHBAY_BIN_DIR:?say where du-source is, or call make test}:$PATH
  folder=$BATS_TEST_TMPDIR/folder
  mkdir -p "$folder/a/deep" "$folder/b c"
  head -c 100000 /dev/zero >"$folder/a/deep/file"
}

# What a test that failed has left would keep bats waiting.
teardown() {
  # shellcheck disable=SC2046 # one word for each process
  kill $(jobs -p) 2>/dev/null || true
}

# usage PATTERN FLAGS... expects status 2 and a line on standard error that matches.
usage() {
  run du-source "${@:2}"
  [[ $status -eq 2 && $output =~ $1 ]] || { echo "status $status: $output" && return 1; }
}

# wait_until COMMAND... runs COMMAND again and again until it succeeds, for 10 seconds at most.
wait_until() {
  local deadline=$((SECONDS + 10))
  until "$@"; do ((SECONDS < deadline)) || { echo "timed out: $*" && return 1; }; sleep 0.05; done
}

@test "a folder and those in it are measured" {
  run du-source --topic - --path "$folder" --once --apparent
  [[ $status -eq 0 ]]
  [[ $(jq -r '.path' <<<"$output" | sort) == $(printf '%s\n' "$folder" "$folder/a" "$folder/b c") ]]
  [[ $(jq --arg path "$folder/a" 'select(.path == $path).bytes >= 100000' <<<"$output") == true ]]
}

@test "names with tabs, quotes and newlines come through" {
  mkdir "$folder/"$'t\t"\n\\é'
  run du-source --topic - --path "$folder" --once
  [[ $(jq -s --arg path "$folder/"$'t\t"\n\\é' 'any(.path == $path)' <<<"$output") == true ]]
}

@test "the commands of the README work" {
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run bash -euo pipefail -c "$block"
  [[ $status -eq 0 && ${#lines[@]} -eq 4 ]]
  [[ $(jq -r .path <<<"${lines[3]}") =~ ^[0-9a-f]{32}$ ]]
}

@test "the depth is kept" {
  run du-source --topic - --path "$folder" --once --depth 0
  [[ ${#lines[@]} -eq 1 ]]
  run du-source --topic - --path "$folder" --once --depth=2
  [[ ${#lines[@]} -eq 4 ]]
}

@test "pseudonyms are the same for the same key and others for another" {
  one=$(DU_SOURCE_PSEUDONYM_KEY=one du-source --topic - --path "$folder" --once | jq -r .path | sort)
  again=$(DU_SOURCE_PSEUDONYM_KEY=one du-source --topic - --path "$folder" --once | jq -r .path | sort)
  two=$(DU_SOURCE_PSEUDONYM_KEY=two du-source --topic - --path "$folder" --once | jq -r .path | sort)
  [[ $one == "$again" && $one != "$two" && $one != *folder* ]]
}

@test "a secret is not shown, neither by messages nor by the process list" {
  run du-source validate --topic - --path x --pseudonym-key hush-hush --depth x
  [[ $status -eq 2 && $output != *hush* ]]
  run du-source validate --topic - --path x --pseudonym-keyx=hush-hush
  [[ $status -eq 2 && $output != *hush* ]]
  # The variable stays in the environment of the programs that it starts, which other users cannot see.
  local secret=hush-$BASHPID-$RANDOM
  DU_SOURCE_PSEUDONYM_KEY=$secret du-source --topic - --path "$folder" --interval 1s >"$BATS_TEST_TMPDIR/out" 3>&- &
  pid=$!
  for _ in {1..20}; do
    run grep -ls "${secret/-/[-]}" /proc/[0-9]*/cmdline
    [[ -z $output ]]
  done
  kill "$pid" && wait "$pid"
}

@test "an unknown flag is status 2 and names the nearest" {
  usage 'unknown flag --pth; did you mean --path\?' --topic - --pth /tmp
  usage 'unknown command dance' dance
  usage 'depth: needs a value' --topic - --path x --depth
}

@test "validate lists every problem" {
  usage $'depth: "x" is not a whole number\n' validate --depth x --interval 0s --acks
  for problem in '--path: is required' '--topic: is required' '--interval:' '--acks: needs --name'; do
    [[ $output == *"$problem"* ]]
  done
  run du-source validate --topic - --path /nowhere
  [[ $status -eq 0 ]]
}

@test "validate --batch answers each line" {
  run bash -c "printf '%s\n' '{\"path\":\"a\",\"topic\":\"-\"}' '{\"depth\":1.5,\"topic\":\"-\",\"path\":\"a\nb\"}' '[]' 'x' '' | du-source validate --batch -"
  [[ $status -eq 0 && ${#lines[@]} -eq 5 ]]
  [[ $(jq -r .valid <<<"$output" | xargs) == "true false false false false" ]]
}

@test "flag, environment, file and default, in this order" {
  local config=$BATS_TEST_TMPDIR/config.json
  echo 3 >"$BATS_TEST_TMPDIR/records"
  jq -n --arg folder "$folder" --arg dir "$BATS_TEST_TMPDIR" '{topic: "-", parameters: {path: $folder, once: "${env:ONLY_ONCE}", depth: 2,
    max_records: "${file:\($dir)/records}"}}' >"$config"
  ONLY_ONCE=yes run du-source --config "$config"
  [[ $status -eq 0 && ${#lines[@]} -eq 3 ]]
  ONLY_ONCE=yes PATCHBAY_MAX_RECORDS=2 run du-source --config "$config"
  [[ ${#lines[@]} -eq 2 ]]
  ONLY_ONCE=yes PATCHBAY_MAX_RECORDS=2 run du-source --config="$config" --max-records 1
  [[ ${#lines[@]} -eq 1 ]]
}

@test "a wrong config file is status 2, with every problem" {
  local config=$BATS_TEST_TMPDIR/config.json
  echo '{"topic":"-","type":"x","parameters":{"pat":1,"name":"a","depth":"b"},"secrets":{"path":"/"},"parmeters":{}}' >"$config"
  usage 'unknown option "pat"; did you mean path' validate --config "$config"
  for problem in 'another connector' 'name stands at the top' '--depth:' 'path is no secret' 'did you mean parameters'; do
    [[ $output == *"$problem"* ]]
  done
  usage 'cannot read' validate --config /nowhere
  echo 'topic: "-"' >"$config"
  usage 'JSON only' validate --config "$config"
  echo '{"topic":"-","parameters":{"path":"${env:NO_SUCH}"}}' >"$config"
  usage 'cannot read env "NO_SUCH"' validate --config "$config"
  echo '{"topic":"-","parameters":{"path":"$${env:X}"}}' >"$config"
  run du-source --config "$config" --once
  [[ $status -eq 1 && $output == *'${env:X}'* ]]
}

@test "metadata is the same whatever the environment holds" {
  du-source metadata | cmp - "$BATS_TEST_DIRNAME/metadata.json"
  DU_SOURCE_DEPTH=x PATCHBAY_TOPIC=y du-source metadata | cmp - "$BATS_TEST_DIRNAME/metadata.json"
}

@test "a folder that is not there is status 1" {
  run du-source --topic - --path /nowhere
  [[ $status -eq 1 && $output == *"/nowhere"* ]]
  run du-source check --topic - --path /nowhere
  [[ $status -eq 1 ]]
  run du-source check --topic - --path "$folder"
  [[ $status -eq 0 && $output == "system: ok" ]]
}

@test "it measures again at each interval, and SIGTERM ends it with status 0" {
  du-source --topic - --path "$folder" --depth 0 --interval 1s >"$BATS_TEST_TMPDIR/out" 3>&- &
  two() { [[ $(wc -l <"$BATS_TEST_TMPDIR/out") -ge 2 ]]; }
  wait_until two
  kill -TERM $! && wait $!
}

@test "a reader that has gone ends it with status 0 and without a word" {
  run bash -c '{ du-source --topic - --path "$1" --depth 0 --interval 1s; echo "status $?" >&2; } | head -n 1 >/dev/null' - "$folder"
  [[ $output == "status 0" ]]
}

# talk starts the source as a driver does: frames go to descriptor 6, and come back in the file frames.
talk() {
  frames=$BATS_TEST_TMPDIR/frames
  rm -f "$frames" "$BATS_TEST_TMPDIR/in" # of a talk before
  mkfifo "$BATS_TEST_TMPDIR/in"
  du-source --topic - --acks --name driven --path "$folder" "$@" <"$BATS_TEST_TMPDIR/in" >"$frames" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
  pid=$!
  exec 6>"$BATS_TEST_TMPDIR/in"
  echo '{"link":1}' >&6
}

sent() { [[ $(grep -cs '^{"record":' "$frames") -eq $1 ]]; }
lines_of_records() { grep -n '^{"record":' "$frames" | cut -d : -f 1; }

@test "driven, it keeps to its credit, and ends when all is acknowledged" {
  talk --once --depth 1
  printf '%s\n' '{"resume":{}}' '{"credit":2}' >&6
  wait_until sent 2
  echo "{\"ack\":\"1-$(lines_of_records | tail -n 1)\"}" >&6
  wait_until sent 3
  kill -0 "$pid" # one is not acknowledged
  echo "{\"more\":[],\"ack\":\"$(lines_of_records | tail -n 1)\"}" >&6
  wait "$pid"
  exec 6>&-
  [[ $(head -n 1 "$frames") == '{"link":1}' ]]
  [[ $(jq -r 'select(.record).record | (.value | fromjson.path) == .key' "$frames" | uniq) == true ]]
}

@test "driven, it sends again what was refused for now" {
  talk --once --depth 0
  printf '%s\n' '{"resume":{}}' '{"credit":1}' >&6
  wait_until sent 1
  echo "{\"nack\":\"$(lines_of_records)\",\"delay_ms\":10}" >&6
  wait_until sent 2
  echo "{\"ack\":\"$(lines_of_records | tail -n 1)\"}" >&6
  wait "$pid"
  exec 6>&-
  [[ $(jq -c 'select(.record).record' "$frames" | uniq | wc -l) -eq 1 ]]
}

@test "driven, it ends with status 1 when a record is refused for good" {
  talk --once --depth 0
  printf '%s\n' '{"resume":{}}' '{"credit":1}' >&6
  wait_until sent 1
  echo "{\"nack\":\"$(lines_of_records)\",\"permanent\":true}" >&6
  status=0
  wait "$pid" || status=$?
  exec 6>&-
  [[ $status -eq 1 ]]
}

@test "driven, it finishes what is under way at stop and at SIGTERM; a second signal aborts" {
  for how in stop signal abort; do
    talk --depth 0
    printf '%s\n' '{"resume":{}}' '{"credit":1}' >&6
    wait_until sent 1
    case $how in
    stop) echo '{"stop":true}' >&6 ;;
    signal) kill -TERM "$pid" ;;
    abort) while kill -TERM "$pid" 2>/dev/null; do sleep 0.05; done ;; # two at once may count as one
    esac
    [[ $how == abort ]] || echo "{\"ack\":\"$(lines_of_records)\"}" >&6
    status=0
    wait "$pid" || status=$?
    exec 6>&-
    if [[ $how == abort ]]; then [[ $status -eq 130 ]]; else [[ $status -eq 0 ]]; fi
  done
}

@test "driven, it ends when the driver goes, also in the middle of a frame, and says when a line is no frame" {
  talk --depth 0
  printf '%s\n%s' '{"resume":{}}' '{"cred' >&6
  exec 6>&-
  wait "$pid"
  talk --depth 0
  printf '%s\n' 'Listening on port 80' '{"resume":{}}' >&6
  status=0
  wait "$pid" || status=$?
  exec 6>&-
  [[ $status -eq 1 ]]
  grep -q "no frame" "$BATS_TEST_TMPDIR/errors"
}

@test "nothing that it started outlives it, and no file either" {
  mkdir "$BATS_TEST_TMPDIR/tmp"
  TMPDIR=$BATS_TEST_TMPDIR/tmp talk
  printf '%s\n' '{"resume":{}}' '{"credit":9}' >&6
  wait_until sent 3
  kill -TERM "$pid"
  echo "{\"ack\":\"1-9\"}" >&6
  wait "$pid"
  gone() { ! grep -lzqxF "TMPDIR=$BATS_TEST_TMPDIR/tmp" /proc/[0-9]*/environ 2>/dev/null; }
  wait_until gone
  exec 6>&-
  [[ -z $(ls -A "$BATS_TEST_TMPDIR/tmp") ]]
}
