#!/bin/bash
# Each seeded bug must be caught, from each of five seeds, and the same program without a bug must pass.
# teeth.sh SIM [write]: with "write" the table of docs/teeth.md is written from what was measured.
cd "$(dirname "$0")/../.." || exit 1
sim=$1
payments=800000
seeds=(1 2 3 4 5)
folder=build/teeth
docs=docs/teeth.md
rm -rf "$folder"
mkdir -p "$folder"

try() { # bug: its file gets "payments promise" for each seed
    for seed in "${seeds[@]}"; do
        out=$("$sim" --bug="$1" --seed="$seed" --orders=200 --payments=$payments --jobs=1 --shrink=0 2>&1)
        if grep -q '^sim: violation after' <<<"$out"; then
            sed -n 's/^sim: violation after \([0-9]*\) payments: \([A-Z0-9]*\):.*/\1 \2/p' <<<"$out"
        else
            echo "missed seed $seed: $(tail -1 <<<"$out" | cut -c1-100)"
        fi
    done >"$folder/$1"
}
export sim payments folder
declare -p seeds >"$folder/.seeds"
export -f try

"$sim" --payments=50000 >"$folder/.none" 2>&1 || {
    cat "$folder/.none"
    echo "sim-teeth: the simulator fails without a bug: $sim --payments=50000"
    exit 1
}
"$sim" --bugs >"$folder/.bugs"
cut -f1 "$folder/.bugs" | xargs -P "$(nproc)" -I{} bash -c '. "$folder/.seeds"; try {}'

failed=0
caught=0
while IFS=$'\t' read -r bug where what; do
    if grep -q missed "$folder/$bug" || [ "$(wc -l <"$folder/$bug")" -ne "${#seeds[@]}" ]; then
        echo "sim-teeth: $bug ($what) was not caught: $(grep missed "$folder/$bug" | head -1)"
        failed=$((failed + 1))
        continue
    fi
    caught=$((caught + 1))
    median=$(sort -n "$folder/$bug" | sed -n 3p | cut -d' ' -f1)
    promises=$(cut -d' ' -f2 "$folder/$bug" | sort -V | uniq | paste -sd' ')
    echo "| \`$bug\` | $where | $what | $promises | $median |" >>"$folder/.table"
done <"$folder/.bugs"

if [ "$2" = write ]; then
    { sed '/^| `/,$d' "$docs"; cat "$folder/.table"; } >"$folder/.docs" && cp "$folder/.docs" "$docs"
fi
while IFS=$'\t' read -r bug where what; do
    grep -qF "| \`$bug\` | $where | $what |" "$docs" || {
        echo "sim-teeth: $docs does not list $bug; run: make sim-teeth WRITE=1"
        failed=$((failed + 1))
    }
done <"$folder/.bugs"
echo "sim-teeth: $caught of $(wc -l <"$folder/.bugs") bugs caught, each from ${#seeds[@]} seeds; slowest median $(
    sort -t'|' -k6 -n "$folder/.table" | tail -1 | awk -F'|' '{ print $6 "payments:" $2 }')"
[ $failed -eq 0 ] || exit 1
