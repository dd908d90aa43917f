#!/bin/bash
# driver.sh: drives a connector over the link protocol, as an example and to test that connectors keep to it.
#
# Usage: driver.sh source [--window N] [--records N] [--state FILE] -- COMMAND [ARG...]
#        driver.sh sink -- COMMAND [ARG...]            (values on standard input, one a line)
#
# COMMAND is run with the arguments --topic - --acks --name driver added. It needs bash and jq.
#
# source prints the value of each record, a line each, and acknowledges it once it is printed. After --records N records it
# asks the source to stop. --state names the file in which positions are kept and from which the source resumes.
# sink sends each line of its input as a record, within the sink's credit, sends it again when the sink asks for that, and
# asks the sink to stop when all are acknowledged. What the sink prints on its standard output stays there.
#
# Status and dead letters are told on standard error, as lines "status: ..." and "dead: ...". driver.sh ends with the status
# of the connector; with 3 and a line on standard error if the connector broke the protocol.
set -u

fail() {
    echo "driver.sh: $*" >&2
    exec {to}>&-
    kill "$child" 2>/dev/null
    exit 3
}

# say writes a line and counts it: the child's answers speak of line numbers. If the child has gone, its frames end too.
say() {
    written=$((written + 1))
    printf '%s\n' "$1" >&"$to"
} 2>/dev/null

# kind prints which frame a line is; it fails if the line is no frame.
kind() {
    jq -er 'if type != "object" then error("no object") else
        ([keys[] | select(IN("link", "record", "dead", "ack", "nack", "credit", "save", "status"))] | first) // "unknown"
        end' <<<"$1" 2>/dev/null
}

# hear reads the next frame into $frame and its kind into $kind, and answers what both directions have in common. It
# fails at the end of the child's frames.
hear() {
    IFS= read -r frame <&"$from" || return 1
    heard=$((heard + 1))
    kind=$(kind "$frame") || fail "line $heard is no frame: $frame"
    [ $heard -gt 1 ] || [ "$kind" = link ] || fail "the first line must be {\"link\":1}, not $frame"
    case $kind in
    status) echo "status: $(jq -r '[.status, .error // empty] | join(" ")' <<<"$frame")" >&2 ;;
    dead)
        echo "dead: $(jq -c '.dead' <<<"$frame")" >&2
        say "{\"ack\":\"$heard\"}" ;;
    esac
    return 0
}

drive_source() {
    local open=0 oldest=0 records=0 saved='{"save":{}}'
    [ -z "$state" ] || [ ! -s "$state" ] || saved=$(cat "$state")
    say "$(jq -c '{resume: .save} + del(.save)' <<<"$saved")"
    say "{\"credit\":$window}"
    while hear; do
        case $kind in
        record)
            open=$((open + 1))
            [ $open -gt 1 ] || oldest=$heard
            [ $open -le "$window" ] || fail "line $heard is a record for which there was no credit"
            jq -er '.record | if .value_base64 then .value_base64 | @base64d else .value // "" end' <<<"$frame" ||
                fail "line $heard holds no value: $frame"
            records=$((records + 1))
            [ $records -ne "$limit" ] || say '{"stop":true}' ;;
        save)
            [ -z "$state" ] || { printf '%s\n' "$frame" >"$state.new" && mv "$state.new" "$state"; } || fail "cannot write $state"
            say "{\"saved\":$heard}" ;;
        credit) fail "line $heard: a source gives no credit" ;;
        esac
        # What has come is acknowledged when the source falls silent. A full window gives it the time to show whether it does.
        [ $open -lt "$window" ] || sleep 0.05
        if [ $open -gt 0 ] && ! IFS= read -r -t 0 <&"$from"; then
            say "{\"ack\":\"$oldest-$heard\"}"
            open=0
        fi
    done
}

# lines prints the numbers in ranges such as 1-3,7.
lines() {
    jq -er '.ack // .nack | split(",")[] | split("-") | map(tonumber) | range(.[0]; .[-1] + 1)' <<<"$1" ||
        fail "line $heard names no lines: $1"
}

drive_sink() {
    local credit=0 value attempt more=1 n
    local -A open=() attempts=() # what is not acknowledged, by line number
    local -a again=()            # what was refused: the value, preceded by the number of the attempt
    while :; do
        while [ ${#open[@]} -lt $credit ] && { [ ${#again[@]} -gt 0 ] || [ $more = 1 ]; }; do
            if [ ${#again[@]} -gt 0 ]; then
                attempt=${again[0]%% *} value=${again[0]#* } again=("${again[@]:1}")
            elif attempt=1 && ! IFS= read -r value; then
                more=0
                break
            fi
            say "$(jq -nc --arg value "$value" --argjson attempt "$attempt" '{record: {value: $value}, $attempt}')"
            open[$written]=$value attempts[$written]=$attempt
        done
        [ $more = 1 ] || [ ${#open[@]} -gt 0 ] || [ ${#again[@]} -gt 0 ] || break
        hear || return 0
        case $kind in
        credit) credit=$((credit + $(jq .credit <<<"$frame"))) ;;
        ack | nack)
            [ "$kind" = ack ] || sleep "$(jq '(.delay_ms // 0) / 1000' <<<"$frame")"
            for n in $(lines "$frame"); do
                [ "$kind" = ack ] || [ -z "${open[$n]+set}" ] || again+=("$((attempts[$n] + 1)) ${open[$n]}")
                unset "open[$n]" "attempts[$n]"
            done ;;
        record | save) fail "line $heard: a sink sends no $kind" ;;
        esac
    done
    say '{"stop":true}'
    while hear; do :; done
}

window=8 limit=-1 state='' heard=0 written=0
direction=${1-}
shift
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
    --window) window=$2 ;;
    --records) limit=$2 ;;
    --state) state=$2 ;;
    *) set -- ;;
    esac
    shift 2 || break
done
if [ $# -lt 2 ] || { [ "$direction" != source ] && [ "$direction" != sink ]; }; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
shift

trap : PIPE
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/to" "$folder/from" || exit 1
if [ "$direction" = sink ]; then
    PATCHBAY_ACK_FD=3 "$@" --topic - --acks --name driver <"$folder/to" 3>"$folder/from" &
else
    "$@" --topic - --acks --name driver <"$folder/to" >"$folder/from" &
fi
child=$!
exec {to}>"$folder/to" {from}<"$folder/from"
say '{"link":1}'
"drive_$direction"
exec {to}>&-
wait "$child"
