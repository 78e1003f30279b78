#!/bin/bash
# The names of crash points: those that the gateway passes, those of the table in gateway/base/crash.c, those of the
# simulator and those in docs/safety.md are the same; and a product has none of it. crash.sh BUILD
cd "$(dirname "$0")/../.." || exit 1
bad=0
complain() { echo "$*"; bad=1; }

# The table: WRITE("open") stands for open_asked and so on.
table() {
    awk '/^static const char \*const names\[\]/ { inside = 1; next } inside && /^};/ { exit } inside' gateway/base/crash.c |
        grep -oE '(WRITE\(|SEND\()?"[a-z_]+"' | while read -r word; do
        name=$(tr -dc 'a-z_' <<<"${word#*(}")
        case $word in
        WRITE*) printf "${name}_%s\n" asked sent committed answered ;;
        SEND*) printf "${name}_%s\n" begun left arrived answered ;;
        *) echo "$name" ;;
        esac
    done | sort
}
# The simulator's, out of its three tables of names.
names_of() { awk -v start="$1\\\\[" '$0 ~ start { inside = 1 } inside { print } inside && /};/ { exit }' tests/sim/faults.c | grep -oE '"[a-z_]+"' | tr -d '"'; }
simulator() {
    names_of point_names
    for kind in $(names_of write_names); do for part in $(names_of write_parts); do echo "${kind}_$part"; done; done
    for kind in $(names_of send_names); do for part in $(names_of send_parts); do echo "${kind}_$part"; done; done
}
table >"${TMPDIR:-/tmp}/crash-names.$$"
names=$(<"${TMPDIR:-/tmp}/crash-names.$$")
rm -f "${TMPDIR:-/tmp}/crash-names.$$"
has() { grep -qx "$1" <<<"$names"; }

while read -r name; do
    has "$name" || complain "the simulator's crash point $name is not in gateway/base/crash.c"
done < <(simulator)
while read -r name; do
    has "$name" || complain "CRASH_AT(\"$name\") is not in gateway/base/crash.c"
done < <(grep -rhoE 'CRASH_AT\("[a-z_]+"\)' gateway providers --include='*.c' | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u)
while read -r part; do
    grep -q "_$part\"" gateway/base/crash.c || complain "CRASH_PART(..., \"$part\") is not in gateway/base/crash.c"
done < <(grep -rhoE 'CRASH_PART\([^;]*"[a-z]+"\)' gateway providers --include='*.c' | grep -oE '"[a-z]+"\)$' | tr -dc 'a-z\n' | sort -u)
section=$(awk '/^## Crash matrix/ { inside = 1; next } /^## / { inside = 0 } inside' docs/safety.md)
for name in $names; do
    grep -q "\`$name\`\|\`${name%_*}_\*\`" <<<"$section" || complain "docs/safety.md does not list the crash point $name"
done
! nm "$1/turnpike" | grep -q ' crash_at$' || complain "$1/turnpike has crash points: it is not to be shipped"
[ $bad -ne 0 ] || echo "crash points: ok"
exit $bad
