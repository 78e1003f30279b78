#!/bin/bash
# `make bare`: what a newcomer sees on a bare Debian 12. A fresh folder of packages (debootstrap, minbase, make
# and git), a clone of HEAD, then the two front-door commands, once as root and once as a user with sudo.
#
#   FRESH=1     make the bare folder anew (else kept in var/bare/base.tar)
#   TEST=0      leave out `make test`; TEST=check: `make check` in its place, or another target
#   PASS=root   one pass alone: refusals (no rights, no network, killed half-way), root, dev (a user with sudo)
#   KEEP=1      keep the folders for a look
#
# Everything runs in a mount and process namespace of its own, which ends with this script, whatever happens:
# nothing stays mounted, nothing keeps running. The package sources are the host's own.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
bare=$top/var/bare
TEST=${TEST:-1}
PASS=${PASS:-refusals root dev}
release=bookworm

die() {
    echo "turnpike: $*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || die "debootstrap and chroot need root; repeat with: sudo make bare"
if [ "${1:-}" != inside-namespace ]; then
    mkdir -p "$bare" || die "cannot make $bare"
    exec 9>"$bare/lock" && flock -n 9 || die "make bare already runs in this folder"
    rm -rf --one-file-system "$bare"/root.* # left by a killed one
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc --propagation private -- \
        "$0" inside-namespace
    status=$?
    [ -n "${KEEP:-}" ] || rm -rf --one-file-system "$bare"/root.*
    exit $status
fi

# ---- the bare folder -------------------------------------------------------------------------

targets() { # the host's package lists of Debian itself, whatever file and format they are written in
    apt-get indextargets --format "$1" 'Created-By: Packages' 'Origin: Debian' | sort -u
}

copy_apt() { # root: the host's sources, keys and ways to reach them
    local root=$1 key
    targets "deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" | grep " $release" >"$root/etc/apt/sources.list"
    cp -a /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/apt/trusted.gpg* "$root/etc/apt/" 2>/dev/null
    for key in /usr/share/keyrings/debian-archive*; do
        cp -a "$key" "$root/usr/share/keyrings/"
    done
    # Proxies, time-outs and the like; not the hooks, which name the host's programs.
    apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' >"$root/etc/apt/apt.conf.d/90host"
    cat /etc/resolv.conf >"$root/etc/resolv.conf" 2>/dev/null
    cat /etc/hosts >"$root/etc/hosts"
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null
}

make_base() {
    local root=$bare/root.base mirror include= proxy
    [ -n "$(targets '$(REPO_URI)')" ] || apt-get -qq update >/dev/null 2>&1
    mirror=$(targets "\$(CODENAME) \$(COMPONENT) \$(REPO_URI)" | awk -v r="$release" '$1 == r && $2 == "main" { print $3; exit }')
    [ -n "$mirror" ] || die "this machine's package sources know no Debian $release; add them to /etc/apt"
    case $mirror in https:*) include=ca-certificates ;; esac
    proxy=$(apt-config shell proxy Acquire::http::Proxy) && eval "$proxy"
    rm -rf --one-file-system "$root"
    echo "-- a bare Debian 12 (once; some minutes)"
    http_proxy=${proxy:-${http_proxy:-}} debootstrap --variant=minbase ${include:+--include=$include} \
        --cache-dir="$bare/archives" "$release" "$root" "$mirror" >"$bare/debootstrap.log" 2>&1 ||
        die "debootstrap failed; see var/bare/debootstrap.log"
    copy_apt "$root"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no service starts by itself
    chmod 755 "$root/usr/sbin/policy-rc.d"
    mount_all "$root"
    in_root "$root" sh -c 'update-ca-certificates >/dev/null 2>&1; apt-get -qq update &&
        apt-get -qq -y --no-install-recommends install make git sudo' >"$bare/base.log" 2>&1 ||
        die "apt-get failed in the bare folder; see var/bare/base.log"
    in_root "$root" sh -c 'useradd -m -s /bin/bash dev && echo "dev ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/dev'
    umount -R "$root" || die "cannot unmount $root"
    tar -C "$root" -cf "$bare/base.tar.new" . && mv "$bare/base.tar.new" "$bare/base.tar" ||
        die "cannot write $bare/base.tar: is the disk full?"
    rm -rf --one-file-system "$root"
}

mount_all() { # root
    local root=$1 node
    mount --bind "$root" "$root" || die "cannot mount in $root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    for node in null zero full random urandom tty; do
        : >"$root/dev/$node" && mount --bind "/dev/$node" "$root/dev/$node"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    for node in stdin:0 stdout:1 stderr:2; do
        ln -s "/proc/self/fd/${node#*:}" "$root/dev/${node%:*}"
    done
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" && ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mkdir -p "$root/var/cache/apt/archives"
    mount --bind "$bare/archives" "$root/var/cache/apt/archives" # a warm package cache
}

in_root() { # root command...: as root, with a newcomer's environment
    local root=$1
    shift
    env -i HOME=/root USER=root TERM=dumb LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /usr/sbin/chroot "$root" "$@"
}

in_root_as() { # root user command...
    local root=$1 user=$2
    shift 2
    if [ "$user" = root ]; then
        in_root "$root" "$@"
    else
        env -i HOME="/home/$user" USER="$user" TERM=dumb LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
            /usr/sbin/chroot --userspec="$user:" --groups= "$root" "$@"
    fi
}

new_root() { # name: sets root
    root=$bare/root.$1
    umount -R "$root" 2>/dev/null
    rm -rf --one-file-system "$root"
    mkdir "$root" && tar -C "$root" -xf "$bare/base.tar" || die "cannot unpack into $root: is the disk full?"
    cp "$bare/turnpike.bundle" "$root/srv/turnpike.bundle"
    mount_all "$root"
}

# ---- judging ---------------------------------------------------------------------------------

passed=0
failed=0
summary=()
ok() { # text
    passed=$((passed + 1))
    echo "ok   $*"
}
bad() { # text
    failed=$((failed + 1))
    echo "FAIL $*"
}
check() { # text command...
    local text=$1
    shift
    if "$@"; then ok "$text"; else bad "$text"; fi
}
took() { # what microseconds-from: notes seconds with one decimal
    local us=$((${EPOCHREALTIME/./} - $2))
    seconds=$((us / 1000000)).$((us / 100000 % 10))
    summary+=("$(printf '%7s s  %s' "$seconds" "$1")")
}

until_true() { # seconds command...
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        read -rt 0.05 <> <(:) || :
    done
}

port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
no_port_open() {
    local port
    for port in "${ports[@]}"; do
        ! port_is_open "$port" || return 1
    done
}
left_running() { # processes below the root: names
    local process
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root")" = "$root" ] && tr '\0' ' ' <"$process/cmdline" && echo
    done 2>/dev/null | grep .
}
nothing_runs() { ! left_running >/dev/null; }

choose_ports() { # six free ones in a row from PORT, as SANDBOX_PORT takes four
    local base
    for ((base = 21000 + RANDOM % 8000; ; base++)); do
        ports=($((base)) $((base + 1)) $((base + 2)) $((base + 3)) $((base + 4)) $((base + 5)))
        no_port_open && break
    done
    options=(PORT="$base" OPS_PORT=$((base + 1)) SANDBOX_PORT=$((base + 2)))
}

# ---- make run --------------------------------------------------------------------------------

start_run() { # log: in a process group of its own, as a terminal would
    : >"$1"
    set -m
    in_root_as "$root" "$user" make -C "$home/turnpike" run "${options[@]}" >"$1" 2>&1 </dev/null &
    run=$!
    set +m
}
has_line() { grep -q 'serving until Ctrl-C' "$1"; }
is_serving() { has_line "$1" || ! kill -0 "$run" 2>/dev/null; }
wait_serving() { # log text from
    until_true 600 is_serving "$1"
    took "$2" "$3"
    if has_line "$1" && [ -s "$root$home/turnpike/var/ready.json" ]; then
        ok "$user: $2"
    else
        bad "$user: $2: $(grep "^turnpike:" "$1" | tail -1)"
        tail -20 "$1"
        return 1
    fi
}

paste_curl() { # log answer-file: what a reader would copy out of the output
    local line
    line=$(sed -n '/^  curl --cacert.*\/v1\/payments /,/[^\\]$/p' "$1")
    [ -n "$line" ] || return 1
    in_root_as "$root" "$user" sh -c "$line -s -w '\\n%{http_code}\\n'" >"$2"
}
try_curl() { # log
    local first=$bare/answer.1 second=$bare/answer.2
    paste_curl "$1" "$first"
    check "$user: the pasted curl line answers 201" test "$(tail -1 "$first")" = 201
    check "$user: its payment succeeded" grep -q '"status": *"succeeded"' "$first"
    paste_curl "$1" "$second"
    check "$user: pasted again it gives the same bytes" cmp -s "$first" "$second"
}

try_run() {
    local log=$bare/$user.run.log from=${EPOCHREALTIME/./}
    check "$user: clone" in_root_as "$root" "$user" git clone -q /srv/turnpike.bundle "$home/turnpike"
    start_run "$log"
    wait_serving "$log" "from clone to table" "$from" || { end_run; return 1; }
    grep '^-- ready' "$log"
    sed -n '/^payment /,/^$/p' "$log"
    check "$user: at most 180 s" test "${seconds%.*}" -lt 180
    check "$user: the sample payments went through" test "$(grep -c '^pay_' "$log")" -ge 8
    check "$user: no sample payment failed" bash -c '! grep -q "did not all go through" "$1"' - "$log"
    try_curl "$log"
    cp "$bare/answer.1" "$bare/answer.first"
    from=${EPOCHREALTIME/./}
    kill -INT -- "-$run"
    check "$user: Ctrl-C ends it" until_true 30 ended
    took "Ctrl-C" "$from"
    all_ended
}
ended() { ! kill -0 "$run" 2>/dev/null; }
all_ended() {
    nothing_runs && ok "$user: no process is left" || { bad "$user: left running:"; left_running; }
    check "$user: no port is open" no_port_open
}
end_run() {
    kill -KILL -- "-$run" 2>/dev/null
    in_root "$root" make -C "$home/turnpike" stop >/dev/null 2>&1
}

taken_port() { # another program on the operations' port
    set -m
    in_root "$root" node -e "require('net').createServer().listen(${ports[1]}, '127.0.0.1')" &
    local other=$!
    set +m
    until_true 10 port_is_open "${ports[1]}"
    says_one_line "$user: a taken port: one line" "port ${ports[1]} is taken.*OPS_PORT=" \
        in_root_as "$root" "$user" make -C "$home/turnpike" run "${options[@]}"
    kill -KILL -- "-$other"
    wait "$other" 2>/dev/null
    until_true 10 no_port_open
}

try_second_run() {
    local log=$bare/$user.again.log from
    taken_port
    from=${EPOCHREALTIME/./}
    start_run "$log"
    wait_serving "$log" "the second start" "$from" || { end_run; return 1; }
    check "$user: at most 8 s" test "${seconds%.*}" -lt 8
    try_curl "$log"
    check "$user: they are those of the first run" cmp -s "$bare/answer.first" "$bare/answer.1"
    says_one_line "$user: a second one in the same folder: one line" 'make stop ends it' \
        in_root_as "$root" "$user" make -C "$home/turnpike" run "${options[@]}"
    check "$user: make stop ends it" in_root_as "$root" "$user" make -s -C "$home/turnpike" stop
    check "$user: the started one has ended" until_true 15 ended
    all_ended
}

try_test() {
    local target=test from=${EPOCHREALTIME/./} log=$bare/test.log line
    [ "$TEST" = 1 ] || target=$TEST
    in_root_as "$root" "$user" make -C "$home/turnpike" "$target" 2>&1 </dev/null | tee "$log"
    local status=${PIPESTATUS[0]}
    took "make $target" "$from"
    check "$user: make $target succeeds" test "$status" -eq 0
    [ "$target" = test ] || return
    line=$(grep -v '^make: ' "$log" | tail -1)
    summary+=("           $line")
    check "$user: its last line says that nothing failed" grep -qE '^[1-9][0-9]* passed, 0 failed$' <<<"$line"
    all_ended
}

# ---- passes ----------------------------------------------------------------------------------

says_one_line() { # text pattern command...: fails with exactly one line, but for the steps told before
    local text=$1 pattern=$2 out
    shift 2
    if out=$("$@" 2>&1 </dev/null); then
        bad "$text: it did not fail"
    elif [ "$(grep -vcE '^(-- |make)' <<<"$out")" -eq 1 ] && grep -qE "^turnpike: .*$pattern" <<<"$out"; then
        ok "$text"
    else
        bad "$text: $out"
    fi
}

refusals() { # the first minute of somebody less lucky
    new_root refusals
    in_root "$root" useradd -m guest
    in_root_as "$root" guest git clone -q /srv/turnpike.bundle /home/guest/turnpike
    says_one_line "without root or sudo rights: one line" 'ask an administrator for: apt-get install' \
        in_root_as "$root" guest make -C /home/guest/turnpike run
    mkdir "$root/mnt/small" && mount -t tmpfs -o size=64m small "$root/mnt/small"
    in_root "$root" git clone -q /srv/turnpike.bundle /mnt/small/turnpike
    says_one_line "a full disk: one line" 'free some space' in_root "$root" make -C /mnt/small/turnpike run
    in_root "$root" git clone -q /srv/turnpike.bundle /root/turnpike
    printf 'deb http://127.0.0.1:1/debian %s main\n' "$release" >"$root/etc/apt/sources.list"
    rm -rf "$root/var/lib/apt/lists"
    says_one_line "package sources out of reach: one line" 'check network, disk space and package sources' \
        in_root "$root" make -C /root/turnpike run
    umount -R "$root"
    new_root killed
    in_root "$root" git clone -q /srv/turnpike.bundle /root/turnpike
    kill_installation
    check "the installation was killed half-way" test -n "$(in_root "$root" dpkg --audit)"
    check "the next one repairs it" in_root "$root" /root/turnpike/config/dev/packages.sh run
    check "nothing is left half installed" test -z "$(in_root "$root" dpkg --audit)"
    umount -R "$root"
}

kill_installation() { # while dpkg unpacks
    local process
    in_root "$root" /root/turnpike/config/dev/packages.sh run >/dev/null 2>&1 </dev/null &
    until_true 300 test -d "$root/usr/lib/postgresql"
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root")" = "$root" ] && kill -KILL "${process#/proc/}"
    done 2>/dev/null
    until_true 10 nothing_runs
}

pass() { # user home
    user=$1 home=$2
    new_root "$user"
    if [ "$user" = root ]; then
        mv "$root/usr/bin/sudo" "$root/usr/bin/sudo.hidden" # a bare machine has none
    fi
    choose_ports
    try_run && try_second_run
    if [ "$user" = root ] && [ "$TEST" != 0 ]; then
        try_test
    fi
    umount -R "$root" || { bad "$user: cannot be unmounted"; umount -Rl "$root"; }
}

mkdir -p "$bare/archives/partial"
cp -n /var/cache/apt/archives/*.deb "$bare/archives/" 2>/dev/null
[ -n "${FRESH:-}" ] && rm -f "$bare/base.tar"
[ -s "$bare/base.tar" ] || make_base
git -C "$top" bundle create "$bare/turnpike.bundle" HEAD "$(git -C "$top" branch --show-current)" >/dev/null 2>&1 ||
    die "cannot bundle the repository: is something committed?"
changed=$(git -C "$top" status --porcelain | wc -l)
[ "$changed" -eq 0 ] || echo "-- HEAD is tried; $changed files with changes are not part of it"
for name in $PASS; do
    case $name in
    refusals) refusals ;;
    root) pass root /root ;;
    dev) pass dev /home/dev ;;
    *) die "PASS must be of: refusals root dev" ;;
    esac
done
echo
printf '%s\n' "${summary[@]}"
echo "bare: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
