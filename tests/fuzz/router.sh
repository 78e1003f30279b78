#!/bin/bash
# The router's campaign: router.sh FAST SANITIZED RUNS [PART [SECONDS]], see `make fuzz-router`.
# Rounds of four runs, until RUNS executions are reached in all rounds ever made: files as octets (rules) and
# files by choices (rule_program), fast and, one in a hundred, under ASan and UBSan from the same inputs. Count
# and inputs stay in var/fuzz-router, so it may be stopped at any time and goes on where it was. PART=i/n does
# the i-th of n parts, each with its own count. The first finding ends it; findings of before are tried first.
cd "$(dirname "$0")/../.." || exit 1
SECONDS=0 # bash takes it from the environment else
fast=$1
sanitized=$2
part=${4:-1/1}
runs=$(($3 / ${part#*/}))
seconds=${5:-}
share_fast=500000 # executions of one run
share_sanitized=5000
state=var/fuzz-router/${part%/*}-of-${part#*/}
mkdir -p "$state/findings" "$state/mended"
exec 9>"$state/lock"
flock -n 9 || { echo "fuzz-router: part $part runs already" >&2; exit 2; }
touch "$state/count" # lines: build target executions right decided slowest_us
child=
stopped=
trap 'stopped=1; [ -z "$child" ] || kill "$child"' INT TERM

total() { awk '{ n += $3 } END { printf "%d", n }' "$state/count"; }
findings() { find "$state/findings" -type f | wc -l; }
say() { # the honest line
    awk -v findings="$(findings)" '
        { n += $3; right += $4; decided += $5; if ($6 > slowest) slowest = $6; of[$2 " " $1] += $3 }
        END {
            for (name in of) parts = parts sprintf("%s%s %d", parts == "" ? "" : ", ", name, of[name])
            printf "fuzz-router: %d executions, %d findings (%s; %d files were right, %d of them decided; the " \
                   "slowest took %d us)\n", n, findings, parts, right, decided, slowest
        }' "$state/count"
}

again() { # what was found before: mended?
    local file name
    for file in "$state"/findings/*; do
        [ -e "$file" ] || continue
        name=${file##*/}
        if "$sanitized/fuzz/${name%%-*}" "$file" >/dev/null 2>&1 && "$fast/fuzz/${name%%-*}" "$file" >/dev/null 2>&1; then
            mv "$file" "$state/mended/"
        else
            echo "FAILED, as before; repeat it: $sanitized/fuzz/${name%%-*} $file"
        fi
    done
}

run() { # build name, folder, target, executions, longest input
    local log=$state/$3-$1.log corpus=$state/$3.corpus options=() left most kept=$state/$3.kept status
    mkdir -p "$corpus"
    if [ ! -d "$kept" ]; then
        mkdir -p "$kept"
        tar -xzf "tests/fuzz/corpus/$3.tar.gz" -C "$kept"
        find "$kept" -type f -size +"$5"c -delete # cut, it would lack its end
    fi
    [ "$3" != rules ] || options=(-dict=tests/fuzz/rules.dict)
    left=0
    [ -z "$seconds" ] || left=$((seconds - SECONDS))
    [ "$left" -ge 0 ] || return 1
    most=$((runs - $(total)))
    [ "$most" -gt 0 ] || return 1
    "$2/fuzz/$3" -runs="$(($4 < most ? $4 : most))" -max_len="$5" -max_total_time="$left" -entropic=0 -reload=0 -use_counters=0 \
        -timeout=30 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$state/findings/$3-" \
        "${options[@]}" "$corpus" "$kept" >"$log" 2>&1 9>&- &
    child=$!
    wait $child
    status=$?
    [ -z "$stopped" ] || { wait $child; status=0; }
    child=
    awk -v build="$1" -v target="$3" '
        /^stat::number_of_executed_units/ { n = $2 }
        /^tally: / { right = $5; decided = $7; slowest = $11 }
        END { print build, target, n + 0, right + 0, decided + 0, slowest + 0 }' "$log" >>"$state/count"
    sed -n '/^slowest file/,$p' "$log" >>"$state/slow"
    if [ $status -ne 0 ]; then
        grep -v '^#[0-9]*[[:space:]]\(NEW\|REDUCE\|pulse\)\|NEW_FUNC' "$log" | tail -40
        echo "FAILED $3; repeat it: $2/fuzz/$3 $(sed -n 's/.*Test unit written to //p' "$log" | tail -1)"
        return 1
    fi
    [ -z "$stopped" ]
}

again
while [ "$(findings)" -eq 0 ] && [ "$(total)" -lt "$runs" ]; do
    run fast "$fast" rule_program $share_fast 40 &&
        run sanitized "$sanitized" rule_program $share_sanitized 256 &&
        run fast "$fast" rules $share_fast 256 &&
        run sanitized "$sanitized" rules $share_sanitized 512 || break
    echo "$(date -u +%H:%M:%S) $(total) of $runs"
    [ -z "$seconds" ] || [ $SECONDS -lt "$seconds" ] || break
done
say
[ "$(findings)" -eq 0 ]
