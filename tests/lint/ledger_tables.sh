#!/bin/bash
# docs/ledger.md, the tables of accounts and of events in it replaced by those of the code: ledger_tables.sh BUILD
cd "$(dirname "$0")/../.." || exit 1
while IFS= read -r line; do
    printf '%s\n' "$line"
    case $line in
    '<!-- table: '*)
        table=${line#'<!-- table: '}
        "$1/lint/ledger_tables" "${table%' -->'}"
        while IFS= read -r line && [ "$line" != '<!-- end of table -->' ]; do :; done
        printf '%s\n' "$line"
        ;;
    esac
done <docs/ledger.md
