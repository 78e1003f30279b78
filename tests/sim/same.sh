#!/bin/bash
# The same seeds give the same traces, however the simulator was compiled: same.sh SEEDS
cd "$(dirname "$0")/../.." || exit 1
seeds=${1:-1000}
orders=50
asan='-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
folder=build-sim
mkdir -p "$folder"
variants=()
for cc in gcc clang; do
    for opt in O0 O2; do
        for san in plain asan; do
            variants+=("$cc-$opt-$san")
        done
    done
done

build() { # variant
    IFS=- read -r cc opt san <<<"$1"
    local flags=-$opt link='-pie -Wl,-z,relro,-z,now,-z,noexecstack'
    [ "$san" = asan ] && flags="$flags $asan" && link="$link -fsanitize=address,undefined"
    make --no-print-directory BUILD="$folder/$1" CC="$cc" OPT="$flags" LINK="$link" "$folder/$1/sim/sim"
}
play() { # variant
    "$folder/$1/sim/sim" --orders=$orders --payments=$((orders * seeds)) --hashes --shrink=0 |
        grep -E '^[0-9]+ [0-9a-f]{16}$' >"$folder/$1.hashes"
}
export -f build play
export folder asan orders seeds

printf '%s\n' "${variants[@]}" | xargs -P "$(nproc)" -I{} bash -c 'build {} >"$folder/{}.log" 2>&1 || { cat "$folder/{}.log"; exit 1; }' || {
    echo "sim-same: a variant does not compile"
    exit 1
}
printf '%s\n' "${variants[@]}" | xargs -P "$(nproc)" -I{} bash -c 'play {}'
failed=0
first=${variants[0]}
for variant in "${variants[@]}"; do
    count=$(wc -l <"$folder/$variant.hashes")
    if [ "$count" -ne "$seeds" ]; then
        echo "sim-same: $variant played $count of $seeds seeds"
        failed=1
    elif ! cmp -s "$folder/$first.hashes" "$folder/$variant.hashes"; then
        echo "sim-same: $variant differs from $first:" \
            "case $(cmp "$folder/$first.hashes" "$folder/$variant.hashes" | sed 's/.*line //')"
        failed=1
    fi
    core=$(printf '%s ' "$folder/$variant"/obj/gateway/payment/{orchestrate*,attempt,plan}.o)
    # shellcheck disable=SC2086
    [[ $variant == *asan ]] || tests/sim/pure.sh $core >"$folder/pure" || { cat "$folder/pure"; failed=1; }
done
[ $failed -eq 0 ] && echo "sim-same: $seeds seeds, ${#variants[@]} builds, one trace each ($(cksum <"$folder/$first.hashes" | cut -d' ' -f1)); the core calls nothing but itself and base"
exit $failed
