#!/bin/sh
# source.sh: an example of a source that speaks the link protocol, in shell without any other program.
#
# Usage: source.sh [COUNT] --topic - --acks --name NAME [...]
#
# It sends the numbers from 1 to COUNT (default 5), resumes after the last one that was saved, asks for a save once all
# are acknowledged, and ends. docs/link-protocol.md explains each frame.
case $1 in [0-9]*) last=$1 ;; *) last=5 ;; esac
number='*[!0-9]*'

echo '{"link":1}'
line=1 # the lines written so far: acknowledgements speak of line numbers
from=0 credit=0 settled=0 sent=0 resumed='' stop='' asked=''

while IFS= read -r frame; do
    case $frame in
    '{"resume":{"":"'*)
        from=${frame#'{"resume":{"":"'} from=${from%%\"*} resumed=1 sent=$from settled=$from
        # shellcheck disable=SC2254 # it is a pattern
        case $from in $number | '') echo "cannot resume at $from" >&2; exit 1 ;; esac ;;
    '{"resume":'*) resumed=1 ;;
    '{"credit":'*) credit=${frame#'{"credit":'} credit=${credit%\}} ;;
    '{"ack":"'*)
        acks=${frame#'{"ack":"'} acks=${acks%\"\}}
        while [ -n "$acks" ]; do # "2-4,6" acknowledges 3 + 1 records
            range=${acks%%,*} first=${range%-*} final=${range#*-}
            settled=$((settled + final - first + 1))
            case $acks in *,*) acks=${acks#*,} ;; *) acks= ;; esac
        done ;;
    *'"nack":"'*) echo "a record was refused: $frame" >&2; exit 1 ;;
    '{"saved":'*'"error":'*) echo "the position was not saved: $frame" >&2; exit 1 ;;
    '{"saved":'*) exit 0 ;;
    '{"stop":'*) stop=1 last=$sent ;;
    esac
    [ "$resumed" ] || continue
    while [ "$sent" -lt "$last" ] && [ $((sent - settled)) -lt "$credit" ]; do
        sent=$((sent + 1)) line=$((line + 1))
        echo "{\"record\":{\"position\":\"$sent\",\"value\":\"$sent\"}}"
    done
    if [ "$settled" -ge "$last" ] && [ -z "$asked" ]; then
        asked=1
        [ "$settled" -gt "$from" ] || exit 0
        echo "{\"save\":{\"\":\"$settled\"}}"
    fi
done
[ "$stop" ] || echo "the driver has gone" >&2
