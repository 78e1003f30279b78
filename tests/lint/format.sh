#!/bin/sh
# clang-format judges every C file of ours.
files=$(find gateway router providers tests -name '*.[ch]' -not -path '*/node_modules/*' | sort)
# shellcheck disable=SC2086
if out=$(clang-format --dry-run -Werror $files 2>&1); then
    echo "format: ok"
else
    printf '%s\n' "$out" | grep error: | sed 's/: error:.*/: not formatted; run: make format/' | awk -F: '!seen[$1]++' | head -20
    exit 1
fi
