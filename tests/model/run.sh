#!/bin/bash
# make model: the failover rule (failover.pml), searched exhaustively by Spin; then each safeguard taken out, which
# must break the promise named here.   tests/model/run.sh BUILD [VARIANT]: one of them, told line by line.
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
only=${2:-}
memory_mb=3000
work=$build/model
mkdir -p "$work" || exit 1
work=$(cd "$work" && pwd)

# Worlds in which the rule must hold: name, options, what is in it besides two providers and two crashes.
worlds() {
    cat <<'END'
first-answer|-DREPLAY_0=REPLAY_FIRST -DREPLAY_1=REPLAY_LATEST|provider 0 repeats its first answer to a key, provider 1 its latest
latest-state|-DREPLAY_0=REPLAY_LATEST -DREPLAY_1=REPLAY_NONE|provider 0 answers a key with its latest state, provider 1 knows no keys
duplicate|-DREPLAY_0=REPLAY_DUPLICATE -DREPLAY_1=REPLAY_FIRST|provider 0 refuses a key it knows
duplicate-blind|-DREPLAY_0=REPLAY_DUPLICATE -DLOOKUP_0=false -DCRASHES=1 -DREPEATS=0|... and cannot be asked; one crash, no repeat of the client's
no-key|-DREPLAY_0=REPLAY_NONE -DREPLAY_1=REPLAY_DUPLICATE|provider 0 knows no keys
no-lookup|-DREPLAY_0=REPLAY_FIRST -DREPLAY_1=REPLAY_NONE -DLOOKUP_0=false -DLOOKUP_1=false|neither can be asked; provider 1 not in any way
late|-DLATE -DREPEATS=1 -DAGAIN=1|what was declined is paid all the same, once; one repeat each
cancel|-DCANCEL -DREPEATS=1|the merchant cancels; one repeat of the client's
cancel-late|-DCANCEL -DLATE -DCRASHES=1 -DREPEATS=0 -DAGAIN=1|both, with one crash
END
}
# Every payment ends or is in review, under weak fairness, once faults stop.
live() {
    cat <<'END'
ends|-DLIVE -DCRASHES=1 -DREPEATS=0 -DAGAIN=1 -DFAULTS=1|one crash and one other fault: every payment ends
END
}
# Safeguards taken out: name, promise that must break, options, what is missing.
variants() {
    cat <<'END'
FAILOVER_ON_TIMEOUT|1|-DCRASHES=0|a time-out counts as failed
UNCLEAR_IS_FAILED|1|-DCRASHES=0|a 5xx counts as failed
NO_FENCE|1|-DCRASHES=0|no outcome numbers, no look at the queue: who was taken over goes on
KEY_NOT_UNIQUE|1|-DCRASHES=0 -DREPEATS=1 -DAGAIN=0|the idempotency key is not a unique key of the ledger
REPEAT_WITH_NEW_KEY|1|-DCRASHES=0|a repeat carries a provider key of its own
REPEAT_WITHOUT_KEY|1|-DREPLAY_0=REPLAY_NONE -DCRASHES=0|a charge is repeated where keys protect from nothing
REPEAT_AFTER_KEY|1|-DCRASHES=0|a key is repeated after its end
LATE_SUCCESS_FORGOTTEN|1|-DLATE -DCRASHES=0 -DREPEATS=0 -DAGAIN=0|what is paid late is not given back
REPLY_BEFORE_COMMIT|2|-DCRASHES=0|the client is told the end before it is committed
COMMIT_UNKNOWN_IS_FAILURE|2|-DCRASHES=0|a COMMIT without answer counts as rolled back
SEND_BEFORE_COMMIT|3|-DCRASHES=0|a send leaves before its row is committed
COMMIT_UNKNOWN_IS_SUCCESS|3|-DCRASHES=0|a COMMIT without answer counts as done
REPEAT_UNANNOUNCED|4|-DCRASHES=0|a repeat leaves without a row
SETTLE_IGNORED|4|-DCRASHES=0|a "no" is believed at once
SETTLE_FORGETS_WINDOW|4|-DCRASHES=0|what may still leave is not waited for
SETTLE_FORGETS_PROVIDER|4|-DCRASHES=0|the provider's settling time is not waited for
SETTLED_BY_ANSWER|4|-DCRASHES=0|the settling time must be over when the answer comes, not when the look begins
DOOR_IS_PROOF|4|-DCRASHES=0|a refusal at the door tells what became of the key
DUPLICATE_IS_PROOF|4|-DREPLAY_0=REPLAY_DUPLICATE -DLOOKUP_0=false -DCRASHES=0|a refused repeat is believed where known keys are refused
NOT_FOUND_WHILE_PENDING|4|-DCRASHES=0|"not found" ends what was seen to be pending
SILENCE_IS_FAILED|4|-DCRASHES=0|a look without answer ends the attempt
LATE_SUCCESS_ANSWERS|7|-DLATE -DCRASHES=0 -DREPEATS=1 -DAGAIN=0|what is paid late replaces the stored answer
NO_TAKEOVER|8|-DCRASHES=1 -DREPEATS=0 -DAGAIN=0|nobody takes over what a dead worker held
END
}

compile() { # folder, spin options, compiler options
    rm -rf "$1" && mkdir -p "$1" && cp tests/model/*.pml "$1" || exit 1
    # shellcheck disable=SC2086 # lists of options
    (cd "$1" && spin -a $2 failover.pml >spin.log 2>&1 && gcc -w $3 -o pan pan.c) ||
        { cat "$1/spin.log"; echo "model: cannot be compiled"; exit 1; }
}

states_of() { # file with pan's report
    awk '/states, stored/ { print $1 }' "$1"
}

passed=0
failed=0
lose() { # what
    failed=$((failed + 1))
    echo "FAIL $1"
}

search() { # name, options, what, compiler options, pan options
    local folder=$work/$1 from=$SECONDS
    compile "$folder" "$2" "-O2 $4 -DCOLLAPSE -DMEMLIM=$memory_mb"
    # shellcheck disable=SC2086
    (cd "$folder" && ./pan $5 >pan.log 2>&1)
    if grep -q 'errors: 0' "$folder/pan.log" && ! grep -qE 'too small|out of memory|Search not completed' "$folder/pan.log"; then
        passed=$((passed + 1))
        awk -v name="$1" -v what="$3" -v s=$((SECONDS - from)) '/states, stored/ { n = $1 }
            /transitions \(=/ { t = $1 } /total actual memory/ { m = $1 } /depth reached/ { d = $6 + 0 }
            END { printf "ok   %-15s %9d states %10d transitions, depth %d, %d MB, %d s: %s\n", name, n, t, d, m, s, what }' "$folder/pan.log"
    else
        lose "$1: $3"
        grep -E 'assertion violated|errors:|too small|memory|completed|acceptance' "$folder/pan.log" | cut -c1-160
        echo "     see it: make model VARIANT=$1"
    fi
}

# The steps of the trail that pan left, told by the model.
tell() { # folder, options
    # shellcheck disable=SC2086
    (cd "$1" && spin -t $2 failover.pml 2>/dev/null) | sed 's/^ *//' |
        grep -E '^(request|look|send|attempt|provider|kill|a webhook|the merchant|at rest)'
}

break_one() { # name, promise, options, what: the shortest counter-example
    local folder=$work/$1 options="-DTELL -DPROP=$2 -D$1 $3"
    case $3 in
    *-DAGAIN=*) ;;
    *) options="$options -DAGAIN=1 -DREPEATS=0" ;; # it takes no more
    esac
    compile "$folder" "$options" "-O0 -DSAFETY -DBFS -DCOLLAPSE -DMEMLIM=$memory_mb"
    (cd "$folder" && ./pan -E >pan.log 2>&1)
    tell "$folder" "$options" >"$folder/trail.txt"
    if grep -q 'assertion violated' "$folder/pan.log" && [ -s "$folder/trail.txt" ]; then
        passed=$((passed + 1))
        printf 'ok   %-25s breaks %s: %2d steps, found within %d states: %s\n' "$1" "$(promise "$2")" "$(wc -l <"$folder/trail.txt")" \
            "$(states_of "$folder/pan.log")" "$4"
    else
        lose "$1: $4: no counter-example to $(promise "$2")"
        echo "     see it: make model VARIANT=$1"
    fi
}

promise() {
    case $1 in
    8) echo "the end" ;;
    *) echo "P$1" ;;
    esac
}

explain() {
    echo "answers of providers: 1 approved, 2 declined, 3 declined hard, 4 refused at the door, 5 unclear, 6 known key,"
    echo "7 pending, 8 not found, 9 lost, 10 not sent; stored answers: 1 or 2 paid by attempt 0 or 1, 3 declined, 4 canceled"
}

if [ -n "$only" ]; then
    line=$(variants | grep "^$only|")
    if [ -n "$line" ]; then
        IFS='|' read -r name which options what <<<"$line"
        break_one "$name" "$which" "$options" "$what"
        nl -w 3 -s '  ' "$work/$name/trail.txt"
        explain
    elif line=$({ worlds; live; } | grep "^$only|"); then
        IFS='|' read -r name options what <<<"$line"
        compile "$work/$name" "$options -DTELL" "-O0 -DSAFETY -DBFS -DCOLLAPSE -DMEMLIM=$memory_mb"
        (cd "$work/$name" && ./pan -E >pan.log 2>&1)
        if grep -q 'errors: 0' "$work/$name/pan.log"; then
            echo "ok   $name: $(states_of "$work/$name/pan.log") states, no error: $what"
        else
            tell "$work/$name" "$options -DTELL" | nl -w 3 -s '  '
            grep -o 'pan:1: .*' "$work/$name/pan.log" | cut -c1-160
            explain
            failed=1
        fi
    else
        echo "model: no variant $only; there are: $({ worlds; live; variants; } | cut -d'|' -f1 | xargs)" >&2
        exit 1
    fi
    [ $failed -eq 0 ]
    exit
fi

while IFS='|' read -r name options what; do
    search "$name" "$options" "$what" -DSAFETY "-E -m100000"
done < <(worlds)
while IFS='|' read -r name options what; do
    search "$name" "$options" "$what" "-DNFAIR=4" "-a -f -m1000000"
done < <(live)
while IFS='|' read -r name which options what; do
    break_one "$name" "$which" "$options" "$what"
done < <(variants)
echo "model: $passed passed, $failed failed"
[ $failed -eq 0 ]
