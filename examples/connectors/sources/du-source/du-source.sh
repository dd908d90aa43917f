#!/usr/bin/env bash
# du-source: a source in bash, jq and du, as an example of a connector in another language. It keeps the rules that the
# catalog asks of every connector, and speaks the link protocol. `make build` puts metadata.json and options.jq in its place.
set -u -o pipefail
export LC_ALL=C.UTF-8
trap 'exit 0' INT TERM # until there is something to finish

metadata() {
  cat <<'JSON'
@metadata.json@
JSON
}

# judge FUNCTION [FLAG...] runs a function of options.jq. Options travel by standard input: arguments show in the process list.
judge() {
  jq --argjson doc "$(metadata)" "${@:2}" "$(
    cat <<'JQ'
@options.jq@
JQ
  ) $1"
}

log() { printf 'du-source: %s\n' "$1" >&2; }

fail() {
  log "$1"
  exit 1
}

usage() {
  local problem
  for problem; do log "$problem"; done
  exit 2
}

command='' word='' batch='' help='' version='' usage=() problems=() exposed=()
opt_path='' opt_depth='' opt_interval='' opt_apparent='' opt_pseudonym_key='' opt_acks='' opt_once='' opt_max_records=''

# read_command_line WORD... sets the variables above.
read_command_line() {
  local path='' text='' previous='' arg file contents=()
  for arg; do
    [[ $previous != --config ]] || path=$arg
    [[ $arg != --config=* ]] || path=${arg#*=}
    previous=$arg
  done
  if [[ -n $path ]]; then
    text=$(<"$path") 2>/dev/null || usage "cannot read the config file $path"
    text=${text:- }
    while IFS= read -r file; do
      [[ -r $file && ! -d $file ]] && contents+=("$file" "$(<"$file")")
    done < <(jq -r '.. | strings | capture("\\A\\$\\{file:(?<name>[^}]+)\\}\\z").name' <<<"$text" 2>/dev/null)
  fi
  # The dot at the end: jq 1.6 loses a NUL that is the last byte.
  text=$({ printf '%s\0' "$path" "$text" $((${#contents[@]} / 2)) "${contents[@]}" "$@" && printf .; } | judge command_line -Rsr) ||
    fail "cannot read the command line"
  eval "$text"
}

# The run. Everything that happens is a line on one pipe, events: what the driver says, and that du has ended. So the
# program waits in one place, where signals reach it.
stopping='' signals=0 written=0 delivered=0 credit=0 resumed='' ready='' bad='' measuring='' due=''
queue=() # what is to be sent
declare -A unanswered=() # what was sent and is not acknowledged, by line number

on_signal() {
  signals=$((signals + 1)) stopping=1
  [[ $signals -lt 2 ]] || exit 130
  [[ ${#unanswered[@]} -gt 0 ]] || exit 0
}

say() {
  printf '%s\n' "$1" 2>/dev/null || fail "cannot write to standard output"
  written=$((written + 1))
}

status() { # STATE [ERROR]
  [[ $opt_acks != true ]] || say "$(printf '%s' "${2-}" | jq -Rsc --arg state "$1" '{status: $state} + if . == "" then {} else {error: .} end')"
}

# child EVENT COMMAND... runs COMMAND to its end, which is an event with the status. TERM ends both. INT, which a terminal sends
# to all processes, is for the program: it still wants the answers to what it has sent.
child() {
  local event=$1 pid='' status=0
  trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null' TERM
  trap '' INT
  trap - EXIT PIPE
  "${@:2}" <&"$input" &
  pid=$!
  wait "$pid" || status=$?
  echo "$event $status" >&"$events"
}

# listen turns frames into events: a word and numbers. It becomes jq, so that a signal reaches that.
# shellcheck disable=SC2016 # the variables are those of jq
listen() {
  exec jq --unbuffered -Rr 'select(. != "") | (fromjson? // "bad") | if type != "object" then "bad"
    elif has("resume") then "resume" elif has("credit") then "credit \(.credit)" elif has("stop") then "stop"
    elif has("ack") or has("nack") then . as $frame | (.ack // .nack) | split(",")[] | split("-")
      | if $frame.ack then "ack \(.[0]) \(.[-1])" elif $frame.permanent then "refused \(.[0]) \(.[-1])"
        else "nack \(.[0]) \(.[-1]) \(($frame.delay_ms // 0) / 1000)" end
    else empty end' >&"$events"
}

pseudonym() { # made twice over, so that the key cannot be extended
  local once
  once=$(printf '%s\n%s' "$opt_pseudonym_key" "$1" | sha256sum)
  printf '%s\n%s' "$opt_pseudonym_key" "$once" | sha256sum | cut -c -32
}

measure() {
  local flags=(--null --block-size=1 --max-depth="$opt_depth")
  [[ $opt_apparent != true ]] || flags+=(--apparent-size)
  time=$(date -u +%Y-%m-%dT%H:%M:%SZ) due=$((SECONDS + seconds))
  child measured du "${flags[@]}" -- "$opt_path" >"$scratch/sizes" 2>"$scratch/errors" &
  measuring=$!
}

# measured STATUS queues what du has found. A folder that du could not read is told; one that is not there at all is an error.
measured() {
  local entry path problem
  measuring=''
  if [[ ! -s $scratch/sizes ]]; then
    problem=$(head -n 1 "$scratch/errors")
    [[ -n $ready && $opt_once != true ]] || { status failed "$problem" && fail "$problem"; }
    log "$problem; trying again"
    status retrying "$problem"
    return
  fi
  [[ $1 -eq 0 ]] || log "not everything could be read: $(head -n 1 "$scratch/errors")"
  [[ -n $ready ]] || status ready
  ready=1
  mapfile -t queue < <(
    while IFS= read -r -d '' entry; do
      path=${entry#*$'\t'}
      [[ -z $opt_pseudonym_key ]] || path=$(pseudonym "$path")
      printf '%s\t%s\0' "${entry%%$'\t'*}" "$path"
    done <"$scratch/sizes" | { cat && printf .; } | jq -Rsc --arg time "$time" --arg acks "$opt_acks" 'split("\u0000")[:-1][] | split("\t")
      | {path: (.[1:] | join("\t")), bytes: (.[0] | tonumber), time: $time}
      | if $acks == "true" then {record: {key: .path, time: .time, value: tojson}} else . end'
  )
}

send() {
  if [[ $opt_acks == true ]]; then unanswered[$((written + 1))]=$1; else delivered=$((delivered + 1)); fi
  say "$1"
}

# answered EVENT FIRST LAST [DELAY] settles the records of some lines.
answered() {
  local line frame
  for line in "${!unanswered[@]}"; do
    ((line >= $2 && line <= $3)) || continue
    frame=${unanswered[$line]}
    unset "unanswered[$line]"
    case $1 in
    ack) delivered=$((delivered + 1)) ;;
    nack) sleep "$4" && send "$frame" ;;
    refused) fail "a record was refused for good: $frame" ;;
    esac
  done
}

# advance does what can be done now, and ends the program when nothing is left to do.
advance() {
  while [[ ${#queue[@]} -gt 0 && -z $stopping && -n $resumed ]] && { [[ $opt_acks != true ]] || ((${#unanswered[@]} < credit)); }; do
    ((opt_max_records == 0 || delivered + ${#unanswered[@]} < opt_max_records)) || break
    send "${queue[0]}"
    queue=("${queue[@]:1}")
  done
  ((opt_max_records == 0 || delivered < opt_max_records)) || stopping=1
  [[ $opt_once != true || -z $ready || ${#queue[@]} -gt 0 ]] || stopping=1
  [[ -z $stopping || ${#unanswered[@]} -gt 0 ]] || exit 0
  [[ -n $measuring || ${#queue[@]} -gt 0 || $SECONDS -lt $due ]] || measure
}

clean_up() {
  # shellcheck disable=SC2046 # one word for each process
  kill $(jobs -p) 2>/dev/null
  rm -rf "$scratch"
}

run() {
  local event first last delay
  case $opt_interval in *h) seconds=3600 ;; *m) seconds=60 ;; *) seconds=1 ;; esac
  seconds=$((10#${opt_interval%?} * seconds))
  scratch=$(mktemp -d) || fail "cannot make a temporary folder"
  trap clean_up EXIT
  trap on_signal INT TERM
  trap 'exit 0' PIPE # nobody reads any more
  mkfifo "$scratch/events" || fail "cannot make a pipe"
  exec {events}<>"$scratch/events" {input}<&0
  resumed=1
  if [[ $opt_acks == true ]]; then
    say '{"link":1}'
    status connecting
    resumed=''
    child end listen &
  fi
  measure
  while :; do
    # Not for ever: bash would look at a signal that came just before only after the next event.
    read -r -t 1 -u "$events" event first last delay || event=''
    [[ -z $bad || -z $event || $event == end || $event == measured ]] || fail "a line of the driver is no frame"
    case $event in
    measured) measured "$first" ;;
    resume) resumed=1 ;;
    credit) credit=$((credit + first)) ;;
    ack | nack | refused) answered "$event" "$first" "$last" "${delay:-0}" ;;
    stop) stopping=1 ;;
    bad) bad=1 ;;
    end) exit 0 ;; # the driver has gone, and with it all answers
    esac
    advance
  done
}

[[ ${1-} != metadata || $# -gt 1 ]] || { metadata && exit; }
command -v jq >/dev/null || fail "jq is missing: apt-get install jq"
read_command_line "$@"
if [[ $help == true ]]; then
  judge help -nr && exit
elif [[ $version == true ]]; then
  judge version -nr && exit
fi
[[ ${#usage[@]} -eq 0 || $command == run || $command == validate || $command == check ]] || usage "${usage[@]}"
case $command in
metadata) metadata && exit ;;
completion)
  case $word in bash | zsh | fish) judge "completion(\"$word\")" -nr && exit ;; *) usage "completion: name the shell: bash, zsh or fish" ;; esac
  ;;
run | validate | check) ;;
*) usage "unknown command $command; see du-source --help" ;;
esac
if [[ $command == validate && -n $batch ]]; then
  [[ ${#usage[@]} -eq 0 ]] || usage "${usage[@]}"
  [[ $batch == - ]] || exec <"$batch" || usage "--batch: cannot read $batch"
  judge judge -Rc
  exit
fi
[[ ${#problems[@]} -eq 0 ]] || usage "${problems[@]}"
for word in "${exposed[@]}"; do
  log "--$word on the command line shows in the process list; set its variable, or secrets.$word in the config file"
done
case $command in
validate) echo "du-source: the options are valid" ;;
check)
  [[ -d $opt_path && -r $opt_path && -x $opt_path ]] || fail "$opt_path is no folder that can be read"
  echo "system: ok"
  ;;
run) run ;;
esac
