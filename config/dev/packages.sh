#!/bin/sh
# Install the Debian packages that targets need and that are missing: packages.sh run|test|examples|fuzz|clients|bench|profile|bare|pages|attack|model|man...
# Nothing is touched when all are there. Needs no more than dash and what every Debian has.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin

die() {
    echo "turnpike: $*" >&2
    exit 1
}

# ---- what each kind needs --------------------------------------------------------------------

command_packages() { # command:package
    case $1 in
    run) echo "gcc:gcc make:make pkg-config:pkg-config openssl:openssl curl:curl jq:jq awk:mawk
        setpriv:util-linux column:bsdextrautils psql:postgresql-client-15" ;;
    test) echo "clang:clang clang-format:clang-format clang-tidy:clang-tidy cppcheck:cppcheck
        node:nodejs npm:npm git:git hledger:hledger ledger:ledger bean-check:beancount
        promtool:prometheus xmllint:libxml2-utils pg_prove:libtap-parser-sourcehandler-pgtap-perl $(command_packages examples)" ;;
    examples) echo "node:nodejs python3:python3 php:php-cli" ;;
    fuzz) echo "clang:clang" ;;
    clients) echo "node:nodejs npm:npm" ;;
    bench) echo "node:nodejs npm:npm" ;;
    profile) echo "node:nodejs perf:linux-perf" ;;
    bare) echo "debootstrap:debootstrap git:git unshare:util-linux" ;;
    pages) echo "chromium:chromium node:nodejs" ;;
    man) echo "scdoc:scdoc" ;;
    model) echo "spin:spin gcc:gcc" ;;
    attack) echo "haproxy:haproxy nginx:nginx-light node:nodejs" ;;
    esac
}

file_packages() { # file:package; a file may be a pattern
    case $1 in
    run) echo "/usr/include/stdio.h:libc6-dev /usr/include/event2/event.h:libevent-dev
        /usr/include/openssl/ssl.h:libssl-dev /usr/share/llhttp/llhttp.c:node-llhttp
        /usr/include/jansson.h:libjansson-dev /usr/include/postgresql/libpq-fe.h:libpq-dev
        /usr/include/uthash.h:uthash-dev /usr/include/zstd.h:libzstd-dev /usr/lib/postgresql/15/bin/postgres:postgresql-15
        /var/lib/dpkg/info/libcurl4-openssl-dev*.list:libcurl4-openssl-dev
        /etc/ssl/certs/ca-certificates.crt:ca-certificates /usr/share/zoneinfo/Europe/Berlin:tzdata" ;;
    test) echo "/usr/include/cmocka.h:libcmocka-dev /usr/share/postgresql/15/extension/pgtap.control:postgresql-15-pgtap /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.asan-*.a:libclang-rt-14-dev $(file_packages examples)" ;;
    examples) echo "/usr/lib/php/*/curl.so:php-curl" ;;
    fuzz) echo "/usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a:libclang-rt-14-dev" ;;
    pages) echo "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:fonts-dejavu-core" ;;
    esac
}

is_there() { # file or pattern
    for file in $1; do
        [ -e "$file" ] && return
    done
    return 1
}

find_missing() { # kind...
    for kind in "$@"; do
        for pair in $(command_packages "$kind"); do
            command -v "${pair%%:*}" >/dev/null 2>&1 || add_missing "${pair#*:}"
        done
        set -f # a pattern stays one until it is looked for
        for pair in $(file_packages "$kind"); do
            set +f
            is_there "${pair%%:*}" || add_missing "${pair#*:}"
        done
        set +f
    done
}

add_missing() { # package
    case " $missing " in
    *" $1 "*) ;;
    *) missing="${missing:+$missing }$1" ;;
    esac
}

# ---- installing them -------------------------------------------------------------------------

become_root() { # sets as_root
    as_root=
    [ "$(id -u)" -ne 0 ] || return 0
    as_root=sudo
    command -v sudo >/dev/null 2>&1 &&
        { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; } ||
        die "packages are missing and you have neither root nor sudo; ask an administrator for:" \
            "apt-get install --no-install-recommends $missing"
}

run_root() {
    $as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 LC_ALL=C.UTF-8 "$@" >"$log" 2>&1
}

install_missing() {
    # shellcheck disable=SC2086 # a list
    run_root apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 install -y \
        --no-install-recommends $missing
}

# The package would make a cluster on port 5432 and start it; ours lives in var/ alone.
cluster_conf=/etc/postgresql-common/createcluster.conf
no_cluster='create_main_cluster = false'
forbid_cluster() { # sets made_conf
    case " $missing " in
    *" postgresql-15 "*) ;;
    *) return 0 ;;
    esac
    if [ ! -e "$cluster_conf" ] || [ "$(cat "$cluster_conf")" = "$no_cluster" ]; then
        made_conf=1
        $as_root sh -c "mkdir -p ${cluster_conf%/*} && echo '$no_cluster' >$cluster_conf"
    fi
}
allow_cluster() {
    [ -z "$made_conf" ] || $as_root sh -c "cat /usr/share/postgresql-common/createcluster.conf \
        >$cluster_conf 2>/dev/null || rm -f $cluster_conf"
    made_conf=
}

# Servers that tests start by themselves, on ports of their own: none is to listen on its usual port now.
policy=/usr/sbin/policy-rc.d
forbid_services() { # sets made_policy
    case " $missing " in
    *" nginx-light "* | *" haproxy "* | *" prometheus "*) ;;
    *) return 0 ;;
    esac
    if [ ! -e "$policy" ]; then
        made_policy=1
        $as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
    fi
}
allow_services() {
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
    made_policy=
}

case " $* " in
*" run "*) # said here, before a compiler says it in its own way
    free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
    [ "$free_kb" -ge 262144 ] || die "only $((free_kb / 1024)) MB free in $PWD; building and running need 256 MB: free some space"
    ;;
esac
# What a killed installation leaves looks installed and may not be configured.
unfinished=var/packages.unfinished
missing=
find_missing "$@"
if [ -s "$unfinished" ]; then
    for package in $(cat "$unfinished"); do
        add_missing "$package"
    done
fi
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 ||
    die "this is no Debian; install what these packages of Debian 12 hold, then repeat: $missing"
become_root
echo "-- packages: $missing"
log=$(mktemp 2>/dev/null) || log=/dev/null
made_conf=
made_policy=
trap 'allow_cluster; allow_services; [ "$log" = /dev/null ] || rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
{ mkdir -p var && echo "$missing" >"$unfinished"; } 2>/dev/null
forbid_cluster
forbid_services
# A killed installation and an old package index are repaired, then it is tried once more.
if install_missing || {
    run_root dpkg --force-confold --configure -a
    run_root apt-get -qq -o DPkg::Lock::Timeout=120 update && install_missing
}; then
    rm -f "$unfinished"
    exit 0
fi
why=$(grep '^E: ' "$log" | tail -1 | cut -c4-160)
die "could not install $missing${why:+ ($why)}; check network, disk space and package sources, then repeat"
