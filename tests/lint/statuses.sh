#!/bin/bash
# The drawings of docs/payments.md, from the tables in gateway/payment/status.c: statuses.sh [TABLE]
# Without a table: the whole file, with its drawings replaced.
cd "$(dirname "$0")/../.." || exit 1
draw() {
    echo 'stateDiagram-v2'
    awk -v table="$1" '
        $0 ~ "^static const struct status_change " table "\\[\\]" { inside = 1; next }
        inside && /^};/ { exit }
        inside && match($0, /\{PAYMENT_[A-Z_]+, *PAYMENT_[A-Z_]+, *"[^"]*"\}/) {
            row = substr($0, RSTART + 1, RLENGTH - 2)
            split(row, part, /, */)
            by = row; sub(/^[^"]*"/, "", by); sub(/"$/, "", by)
            from = tolower(substr(part[1], 9)); to = tolower(substr(part[2], 9))
            printf "    %s --> %s: %s\n", from == "none" ? "[*]" : from, to, by
        }' gateway/payment/status.c
}
if [ $# -gt 0 ]; then
    draw "$1"
    exit
fi
while IFS= read -r line; do
    case $line in
    '```mermaid '*)
        table=${line#'```mermaid '}
        printf '%s\n' "$line"
        draw "$table"
        while IFS= read -r line && [ "$line" != '```' ]; do :; done
        printf '```\n'
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done <docs/payments.md
