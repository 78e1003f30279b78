#!/bin/sh
# Arrows point down: an include of a module of the same or a higher level (but one's own) fails.
# Include what a file needs by module: "base/money.h", "router/router.h", "providers/provider.h".
set -u
fail=0
level_of() {
    case $1 in
    base) echo 0 ;;
    http | ledger | router | providers) echo 1 ;;
    sandbox) echo 2 ;;
    payment) echo 3 ;;
    api | webhook | dashboard) echo 4 ;;
    process) echo 5 ;;
    *) echo none ;;
    esac
}
check() { # module folder
    from=$1
    from_level=$(level_of "$from")
    for file in "$2"/*.c "$2"/*.h; do
        [ -f "$file" ] || continue
        sed -n 's/^#include "\(.*\)"$/\1/p' "$file" | while read -r include; do
            case $include in
            providers/sandbox/*) to=sandbox ;;
            */*) to=${include%%/*} ;;
            *) continue ;; # llhttp.h and the like
            esac
            [ "$to" = "$from" ] && continue
            # The sandbox stands alone: http and base only.
            if [ "$from" = sandbox ] && [ "$to" != http ] && [ "$to" != base ]; then
                echo "$file: includes $include, but the sandbox may use http and base only"
                continue
            fi
            to_level=$(level_of "$to")
            if [ "$to_level" = none ]; then
                echo "$file: includes $include, which names no module"
            elif [ "$to_level" -ge "$from_level" ]; then
                echo "$file: includes $include, but $from (level $from_level) may only use lower levels"
            fi
        done
    done
}
out=$(
    for module in base http ledger payment api webhook dashboard process; do
        check "$module" "gateway/$module"
    done
    check router router
    check providers providers
    check sandbox providers/sandbox
)
if [ -n "$out" ]; then
    printf '%s\n' "$out"
    fail=1
fi
# Only process/ forks, handles signals and reads argv or environ; only base/ tells time or is random.
found=$(grep -nE '\b(fork|vfork|sigaction|signal|getenv|secure_getenv|setenv)\(' \
    $(find gateway router providers -name '*.c' ! -path 'gateway/process/*') 2>/dev/null | grep -vE '^\S+:[0-9]+: *(\*|/\*|//)' || true)
if [ -n "$found" ]; then
    printf 'only gateway/process may fork, handle signals and read the environment:\n%s\n' "$found"
    fail=1
fi
found=$(grep -nE '\b(clock_gettime|gettimeofday|time)\((NULL|CLOCK|&)|\b(random|rand|drand48|getrandom|RAND_bytes)\(' \
    $(find gateway router providers -name '*.c' ! -path 'gateway/base/*') 2>/dev/null || true)
if [ -n "$found" ]; then
    printf 'only base/clock tells time and base/rng is random:\n%s\n' "$found"
    fail=1
fi
found=$(grep -nE '\b(strcpy|strcat|sprintf|strncpy|gets|atoi|atol|strtok|alloca)\(' \
    $(find gateway router providers -name '*.[ch]') 2>/dev/null || true)
if [ -n "$found" ]; then
    printf 'banned function:\n%s\n' "$found"
    fail=1
fi
[ $fail -eq 0 ] && echo "layers: ok"
exit $fail
