#!/bin/bash
# Fuzz for a while, from the fixtures on: run.sh BUILD SECONDS TARGET...
# Inputs come from tests/fuzz/corpus/TARGET.tar.gz, too, which is kept with the project; what was found stays in
# BUILD/fuzz/TARGET.corpus for the next run, or goes to the project's own with KEEP=1 (only what adds coverage).
# An input that breaks something is kept and the command that repeats it printed.
cd "$(dirname "$0")/../.." || exit 1
build=$1
seconds=$2
shift 2

seed() { # target folder: each target reads its first bytes as choices
    local n=0 file
    case $1 in
    http_parser)
        printf '\377POST /v1/payments?a=%%20b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}' \
            >"$2/seed-post"
        printf '\003GET / HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n' >"$2/seed-get"
        ;;
    json_body)
        for file in tests/fuzz/seeds/*.json; do
            n=$((n + 1))
            { printf '\000'; cat "$file"; } >"$2/seed-$n"
        done
        ;;
    batch_rows)
        for n in 000:000 001:000 370:000 371:000 370:070 371:070; do # JSON, CSV; a long filler in front, inside
            file=tests/fuzz/seeds/batch.$([ $((8#${n%:*} & 1)) = 1 ] && echo csv || echo json)
            { printf '%b' "\\0${n%:*}\\0000\\0${n#*:}"; cat "$file"; } >"$2/seed-${n/:/-}"
        done
        ;;
    idempotency_key)
        printf '"3f0c-a b\\"c"' >"$2/seed-quoted"
        printf '3f0c2f5e-order-1001' >"$2/seed-bare"
        ;;
    amount)
        for file in 1099 10.99 0.001 -5 1e2 999999999999999 9223372036854775808; do
            { printf '%026d' 0; printf '%s' "$file"; } >"$2/seed-$file"
        done
        ;;
    config_file)
        sed 's/^# \([a-z_]* = \)/\1/' config/turnpike.conf >"$2/seed-all"
        cp config/turnpike.conf "$2/seed-comments"
        ;;
    rules)
        for file in config/example.rules tests/fuzz/seeds/*.rules; do
            n=$((n + 1))
            { printf 'aaaa'; cat "$file"; } >"$2/seed-$n"
            split -l 1 --filter='{ printf "abcd"; cat; printf "otherwise { by cost }\n"; } >"$FILE"' \
                "$file" "$2/seed-$n-" # each line alone, too
        done
        ;;
    webhook)
        printf '\000PAYPAL-TRANSMISSION-ID: 69cd13f0\nPAYPAL-TRANSMISSION-TIME: 2026-11-22T08:20:00Z\nPAYPAL-TRANSMISSION-SIG: AAAA\nPAYPAL-AUTH-ALGO: SHA256withRSA\n%s\n\n%s' \
            'PAYPAL-CERT-URL: https://127.0.0.1:9443/v1/notifications/certs/CERT-1' \
            '{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"custom_id":"att_01JDEX7T1V5M2Q9K8Z4R6W0C3B"}}' >"$2/seed-paypal"
        printf '\002\nsecret=0123456789abcdef\n{"entity":"payment","notificationId":"n","statusCode":"charged"}' >"$2/seed-payoneer"
        printf '\003Authorization: hmacauth Webhook-IPCNSender-sandbox:22G4:7f3c:1795335600\n\nb=2&event=CancelPayout\n{"IntPaymentId":"gw-1"}' >"$2/seed-payouts"
        ;;
    provider_answer)
        for file in tests/fixtures/*/*.http; do
            n=$((n + 1))
            { printf '%b' "\\x0$((n % 2))\\x0$((n % 5))\\x00"
              awk 'body { print } /^$/ && ++blank == 2 { body = 1 }' "$file"; } >"$2/seed-$n"
        done
        ;;
    esac
}

keep() {
    "$build/fuzz/$target" -merge=1 -max_len=8192 "$kept" "$corpus" >>"$log" 2>&1 &&
        tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$kept" -c . |
        gzip -9n >"tests/fuzz/corpus/$target.tar.gz"
}

passed=0
failed=0
for target in "$@"; do
    corpus=$build/fuzz/$target.corpus
    kept=$build/fuzz/$target.kept
    mkdir -p "$corpus" "$kept"
    [ ! -e "tests/fuzz/corpus/$target.tar.gz" ] || tar -xzf "tests/fuzz/corpus/$target.tar.gz" -C "$kept"
    seed "$target" "$corpus"
    log=$build/fuzz/$target.log
    words=()
    [ ! -e "tests/fuzz/$target.dict" ] || words=("-dict=tests/fuzz/$target.dict")
    if "$build/fuzz/$target" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/fuzz/$target-" "${words[@]}" "$corpus" "$kept" >"$log" 2>&1; then
        passed=$((passed + 1))
        [ -z "${KEEP:-}" ] || keep
        printf '%s: %s inputs, %s kept\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$(find "$corpus" -type f | wc -l)"
    else
        failed=$((failed + 1))
        grep -v '^#[0-9]*[[:space:]]\(NEW\|REDUCE\|pulse\)' "$log" | tail -40
        found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
        echo "FAILED $target; repeat it: $build/fuzz/$target $found"
    fi
done
echo "fuzz: $passed passed, $failed failed"
[ $failed -eq 0 ]
