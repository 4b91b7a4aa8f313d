#!/bin/bash
# SPDX-License-Identifier: MIT
# Gets the packages that building and testing need. Says nothing when all are there. On Debian and its children it
# installs what is missing (as root, or with sudo); elsewhere it looks for the tools themselves and names what is not found.
#
#   scripts/deps.sh [--for build|test|matrix|bench|all]    (default build; test includes build, matrix includes test
#                                                           and what the tests of pages and exports open them with)
#   scripts/deps.sh --list [--for ...]                     print the packages, install nothing
#
# For the tests of web pages it also gets the npm packages of tests/web and of web; without a network, those tests
# are skipped.
#
# Exits 0 when everything is there, 1 when something is still missing, 2 on wrong usage.
set -u

# group | Debian package | how to find it elsewhere: cmd NAME, pc PKG-CONFIG-MODULE, py MODULE, file PATH | optional?
# Optional: left out where the distribution has no such package (its content is in another one there).
packages='
build  | gcc                     | cmd gcc                      |
build  | g++                     | cmd g++                      |
build  | libc6-dev               | cmd gcc                      |
build  | cmake                   | cmd cmake                    |
build  | ninja-build             | cmd ninja                    |
build  | make                    | cmd make                     |
build  | pkg-config              | cmd pkg-config               |
build  | libjansson-dev          | pc jansson                   |
build  | libelf-dev              | pc libelf                    |
build  | libdw-dev               | pc libdw                     |
build  | libinih-dev             | pc inih                      |
build  | zlib1g-dev              | pc zlib                      |
build  | libncurses-dev          | pc ncursesw                  |
build  | libmicrohttpd-dev       | pc libmicrohttpd             |
build  | libcurl4-gnutls-dev     | pc libcurl                   |
build  | libsqlite3-dev          | pc sqlite3                   |
build  | libpq-dev               | pc libpq                     |
build  | scdoc                   | cmd scdoc                    |
test   | libcmocka-dev           | pc cmocka                    |
test   | bats                    | cmd bats                     |
test   | dwz                     | cmd dwz                      | optional
test   | xz-utils                | cmd xz                       | optional
test   | binutils                | cmd readelf                  |
test   | python3                 | cmd python3                  |
test   | python3-jsonschema      | py jsonschema                |
test   | python3-yaml            | py yaml                      | optional
test   | sqlite3                 | cmd sqlite3                  |
test   | zsh                     | cmd zsh                      |
test   | git                     | cmd git                      |
test   | man-db                  | cmd man                      |
test   | locales                 | cmd localedef                |
test   | procps                  | cmd pgrep                    |
test   | tmux                    | cmd tmux                     | optional
test   | libpng-dev              | pc libpng                    | optional
test   | wabt                    | cmd wasm2c                   | optional
test   | clang                   | cmd clang                    | optional
test   | lld                     | cmd wasm-ld                  | optional
test   | wasi-libc               | file /usr/lib/wasm32-wasi/libc.a | optional
test   | libclang-rt-14-dev-wasm32 | cmd clang                  | optional
test   | python3-dev             | cmd python3-config           | optional
test   | python3-cffi            | py cffi                      | optional
test   | python3-numpy           | py numpy                     | optional
test   | pybind11-dev            | cmd pybind11-config          | optional
test   | dpkg-dev                | cmd dpkg-source              | optional
test   | tcl                     | cmd tclsh                    | optional
test   | cargo                   | cmd cargo                    | optional
test   | librust-pyo3-dev        | file /usr/share/cargo/registry | optional
test   | nodejs                  | cmd node                     | optional
test   | libnode-dev             | file /usr/include/node/node_api.h | optional
test   | luajit                  | cmd luajit                   | optional
test   | libluajit-5.1-dev       | pc luajit                    | optional
test   | redis-server            | cmd redis-server             | optional
test   | prometheus              | cmd prometheus               | optional
test   | victoria-metrics        | cmd victoria-metrics         | optional
test   | postgresql              | cmd psql                     | optional
test   | hyperfine               | cmd hyperfine                | optional
test   | libbenchmark-dev        | pc benchmark                 | optional
web    | nodejs                  | cmd node                     | optional
web    | npm                     | cmd npm                      | optional
web    | chromium                | cmd chromium                 | optional
web    | golang-go               | cmd go                       | optional
matrix | linux-perf              | cmd perf                     | optional
matrix | valgrind                | cmd valgrind                 | optional
matrix | clang                   | cmd clang                    |
matrix | libclang-rt-dev         | cmd clang                    | optional
matrix | musl-tools              | cmd musl-gcc                 |
matrix | gcc-aarch64-linux-gnu   | cmd aarch64-linux-gnu-gcc    | optional
matrix | libc6-dev-arm64-cross   | cmd aarch64-linux-gnu-gcc    | optional
matrix | qemu-user               | cmd qemu-aarch64             |
bench  | liblttng-ust-dev        | pc lttng-ust                 |
bench  | lttng-tools             | cmd lttng                    |
bench  | uftrace                 | cmd uftrace                  | optional
bench  | libbenchmark-dev        | pc benchmark                 | optional
bench  | babeltrace2             | cmd babeltrace2              | optional
bench  | hyperfine               | cmd hyperfine                | optional
bench  | valgrind                | cmd valgrind                 | optional
bench  | linux-perf              | cmd perf                     | optional
bench  | stress-ng               | cmd stress-ng                | optional
bench  | sysbench                | cmd sysbench                 | optional
bench  | python3                 | cmd python3                  |
'

usage() {
    echo "usage: scripts/deps.sh [--list] [--for build|test|matrix|bench|all]" >&2
    exit 2
}

want=build
list=no
while [ $# -gt 0 ]; do
    case $1 in
        --for) [ $# -ge 2 ] || usage; want=$2; shift 2 ;;
        --list) list=yes; shift ;;
        *) usage ;;
    esac
done
case $want in
    build) groups=' build ' ;;
    test) groups=' build test ' ;;
    matrix) groups=' build test web matrix ' ;;
    bench) groups=' build bench ' ;;
    all) groups=' build test web matrix bench ' ;;
    *) usage ;;
esac

debian=no
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    debian=yes
fi

present() { # package, kind, name
    if [ $debian = yes ]; then
        # A virtual package (pkg-config in newer releases) is there if something provides it.
        dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed && return 0
        # And node of others than Debian brings npm along.
        case $1 in libnode-dev) [ -e "$3" ] && return 0 ;; esac
        case $1 in pkg-config | npm) command -v "$1" >/dev/null && return 0 ;; nodejs) command -v node >/dev/null && return 0 ;; esac
        return 1
    fi
    case $2 in
        cmd) command -v "$3" >/dev/null ;;
        pc) command -v pkg-config >/dev/null && pkg-config --exists "$3" ;;
        file) [ -e "$3" ] ;;
        py) command -v python3 >/dev/null && python3 -c "import $3" 2>/dev/null ;;
    esac
}

# What package-lock.json names, into node_modules beside it, where that is not of this lock already: the driver of the
# browser in tests/web, and in web the charts that go into the live page, for the test that builds it anew.
web_modules() {
    case $groups in *' web '*) ;; *) return 0 ;; esac
    command -v npm >/dev/null || return 0
    local folder web lock stamp
    for folder in tests/web web; do
        web=$(cd "$(dirname "$0")/../$folder" && pwd) || continue
        lock=$web/package-lock.json
        stamp=$web/node_modules/.of-this-lock
        if cmp -s "$lock" "$stamp"; then
            continue
        fi
        echo "getting the npm packages of $folder" >&2
        if (cd "$web" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000) \
            >/dev/null 2>&1; then
            cp "$lock" "$stamp"
        else
            echo "could not get them ('npm ci' in '$web' says why): tests of web pages will be skipped" >&2
        fi
    done
    return 0
}

missing=()
optional=()
while IFS='|' read -r group package probe flag; do
    read -r group <<<"$group"
    [ -n "$group" ] || continue
    case $groups in *" $group "*) ;; *) continue ;; esac
    read -r package <<<"$package"
    read -r kind name <<<"$probe"
    read -r flag <<<"$flag"
    if [ $list = yes ]; then
        echo "$package"
    elif ! present "$package" "$kind" "$name"; then
        if [ "$flag" = optional ]; then
            optional+=("$package")
        else
            missing+=("$package")
        fi
    fi
done <<<"$packages"
[ $list = no ] || exit 0

if [ $debian = no ]; then
    if [ ${#missing[@]} -gt 0 ]; then
        echo "missing for '$want' (by their names on Debian): ${missing[*]} ${optional[*]+${optional[*]}}" >&2
        echo "install these with your distribution's tools, then run this again" >&2
        exit 1
    fi
    web_modules
    exit 0
fi

if [ $((${#missing[@]} + ${#optional[@]})) -eq 0 ]; then
    web_modules
    exit 0
fi

run=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        if [ ${#missing[@]} -eq 0 ]; then
            web_modules
            exit 0
        fi
        echo "missing for '$want': ${missing[*]}" >&2
        echo "install as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    run=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
update() {
    if ! "${run[@]}" apt-get update >"$log" 2>&1; then
        tail -n 5 "$log" >&2
    fi
}

# What only an optional package asks for is not worth a new package list, unless there is none at all.
if [ ${#missing[@]} -gt 0 ] || ! apt-cache show make >/dev/null 2>&1; then
    update
fi
known=()
for package in ${optional[@]+"${optional[@]}"}; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        known+=("$package")
    fi
done
wanted=(${missing[@]+"${missing[@]}"} ${known[@]+"${known[@]}"})
if [ ${#wanted[@]} -eq 0 ]; then
    web_modules
    exit 0
fi

echo "installing for '$want': ${wanted[*]}" >&2
if ! "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}" \
    >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    if [ ${#missing[@]} -gt 0 ]; then
        echo "could not install: ${missing[*]}" >&2
        exit 1
    fi
fi
web_modules
