#!/bin/bash
# The long run: 100 chunks of 1,000 seeds, a million payments each. PART=i/n takes every n-th chunk from the
# i-th on. What is done stands in var/sim-campaign/results.tsv and is not done again:
#   chunk  seed  seeds  payments  crashes  sends  looks  violations  seconds  cores  trace  version
# campaign.sh SIM [PART] [CHUNKS] [SEED]
cd "$(dirname "$0")/../.." || exit 1
sim=$1
part=${2:-1/1}
chunks=${3:-100}
seed=${4:-1}
seeds=1000
orders=1000
jobs=${JOBS:-$(nproc)}
folder=var/sim-campaign
results=$folder/results.tsv
i=${part%/*}
n=${part#*/}
if ! [[ $i =~ ^[0-9]+$ && $n =~ ^[0-9]+$ && $i -ge 1 && $i -le $n ]]; then
    echo "sim-campaign: PART=$part is not i/n with 1 <= i <= n"
    exit 2
fi
mkdir -p "$folder/marks"
touch "$results"
version=$(git describe --always --dirty 2>/dev/null || echo unknown)
failed=0

is_done() { awk -v c="$1" -v s="$seed" '$1 == c && $2 == s { found = 1 } END { exit !found }' "$results"; }

number_of() { # word after the number, text
    grep -oE "[0-9]+ $1\b" <<<"$2" | head -1 | cut -d' ' -f1
}

for ((chunk = i - 1; chunk < chunks; chunk += n)); do
    is_done "$chunk" && continue
    began=$(date +%s%N)
    out=$("$sim" --seed="$seed" --first=$((chunk * seeds)) --orders=$orders --payments=$((seeds * orders)) \
        --jobs="$jobs" --marks 2>&1)
    status=$?
    ended=$(date +%s%N)
    seconds=$(awk "BEGIN { printf \"%.1f\", ($ended - $began) / 1e9 }")
    grep -E '^  [a-z0-9_]+ +[0-9]+$' <<<"$out" >"$folder/marks/$seed-$chunk.txt"
    line=$(grep -E '^sim: [0-9]+ payments, 0 violations' <<<"$out")
    if [ $status -ne 0 ] || [ -z "$line" ]; then
        grep '^sim:' <<<"$out"
        echo "sim-campaign: chunk $chunk failed; run it alone:" \
            "$sim --seed=$seed --first=$((chunk * seeds)) --payments=$((seeds * orders))"
        failed=$((failed + 1))
        continue # not noted as done: the next run tries it again
    fi
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t0\t%s\t%s\t%s\t%s\n' "$chunk" "$seed" "$seeds" \
        "$(number_of payments "$line")" "$(number_of crashes "$line")" "$(number_of sends "$line")" \
        "$(number_of looks "$line")" "$seconds" "$jobs" "$(sed 's/.*trace \([0-9a-f]*\).*/\1/' <<<"$line")" \
        "$version" >>"$results"
    echo "sim-campaign: chunk $chunk of $chunks: ${line#sim: }"
done

awk -v s="$seed" -v chunks="$chunks" -v failed="$failed" '$2 == s { done++; seeds += $3; payments += $4; crashes += $5; sends += $6; looks += $7
        seconds += $9; core += $9 * $10 }
    END { printf "sim-campaign: %d of %d chunks done: %d seeds, %.0f payments, %.0f crashes, %.0f sends, %.0f looks, 0 violations in these, %d failed, %.0f s, %.0f payments/s per core\n",
        done, chunks, seeds, payments, crashes, sends, looks, failed, seconds, (core == 0 ? 0 : payments / core) }' "$results"
cat "$folder"/marks/"$seed"-*.txt 2>/dev/null | awk '{ sum[$1] += $2 } END { for (m in sum) if (sum[m] == 0) print "sim-campaign: mark " m " was not hit" }'
[ $failed -eq 0 ]
