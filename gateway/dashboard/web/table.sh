#!/bin/sh
# table.sh OUT FILE...: what the binary serves below /dashboard, as C: each file as it is and compressed, with its type and
# the hash of its bytes. A file's address is its path behind web/ or packed/. Needs no more than every build has.
set -eu
out=$1
folder=$(dirname "$out")/files
shift
mkdir -p "$folder"

type_of() {
    case $1 in
    *.html) echo 'text/html; charset=utf-8' ;;
    *.js) echo 'text/javascript; charset=utf-8' ;;
    *.css) echo 'text/css; charset=utf-8' ;;
    *.svg) echo 'image/svg+xml' ;;
    *) echo "table.sh: $1: no type is known for this file" >&2; exit 1 ;;
    esac
}

incbin() { # symbol file
    cat <<END
__asm__(".pushsection .rodata\\n.global $1\\n.global $1_end\\n$1:\\n.incbin \\"$2\\"\\n$1_end:\\n.byte 0\\n.popsection\\n");
extern const char $1[] __attribute__((visibility("hidden")));
extern const char $1_end[] __attribute__((visibility("hidden")));
END
}

rows=
number=0
{
    echo '/* Made by gateway/dashboard/web/table.sh. */'
    for file; do
        path=${file#*/web/}
        path=${path#*/packed/}
        type=$(type_of "$file")
        packed=$folder/$number.gz
        gzip -9nc "$file" >"$packed"
        hash=$(sha256sum "$file")
        incbin "asset_$number" "$file"
        incbin "asset_${number}_gz" "$packed"
        rows="$rows    {\"/dashboard/$path\", \"$type\", \"\\\"$(echo "$hash" | cut -c1-20)\\\"\", asset_$number, asset_${number}_end, asset_${number}_gz, asset_${number}_gz_end},
"
        number=$((number + 1))
    done
    echo 'static const struct linked linked[] = {'
    printf '%s' "$rows"
    echo '};'
} >"$out.new"
mv "$out.new" "$out"
