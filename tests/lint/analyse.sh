#!/bin/sh
# clang-tidy (with clang's own warnings, as errors) and cppcheck over every C file of ours. Results are cached by content (headers included), so that
# only what changed is looked at again.
build=$1
shift
cache=$build/lint
mkdir -p "$cache"
export cache
headers=$(find gateway router providers -name '*.h' | sort | xargs cat .clang-tidy | { cat; echo "$LINT_FLAGS"; } | sha256sum | cut -c1-16)
export headers
one() {
    file=$1
    stamp=$cache/$(printf '%s' "$file" | tr '/' '_').$( (cat "$file"; echo "$headers") | sha256sum | cut -c1-16)
    [ -f "$stamp" ] && return 0
    if out=$(clang-tidy --quiet --warnings-as-errors='*' "$file" -- $LINT_FLAGS -std=gnu11 2>&1); then
        rm -f "$cache/$(printf '%s' "$file" | tr '/' '_')".*
        : >"$stamp"
    else
        printf '%s\n' "$out" | grep -E 'error|warning' | head -20
        return 1
    fi
}
if [ "${1:-}" = --one ]; then
    one "$2"
    exit
fi
files=$(find gateway router providers -name '*.c' | sort)
status=0
printf '%s\n' $files | xargs -P "$(nproc)" -n 1 "$0" "$build" --one || status=1
[ $status -eq 0 ] && echo "clang-tidy: ok"
mkdir -p "$cache/cppcheck"
if out=$(cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr \
    --error-exitcode=1 --cppcheck-build-dir="$cache/cppcheck" -j "$(nproc)" -I. -Igateway \
    --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=normalCheckLevelMaxBranches \
    gateway router providers 2>&1); then
    echo "cppcheck: ok"
else
    printf '%s\n' "$out" | head -40
    status=1
fi
exit $status
