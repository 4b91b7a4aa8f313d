#!/bin/bash
# SPDX-License-Identifier: MIT
# Gets the packages that building and testing need. Says nothing when all are there. On Debian and its children it
# installs what is missing (as root, or with sudo); elsewhere it looks for the tools themselves and names what is not found.
#
#   scripts/deps.sh [--for build|test|matrix|bench|all]    (default build; test includes build, matrix includes test)
#   scripts/deps.sh --list [--for ...]                     print the packages, install nothing
#
# Exits 0 when everything is there, 1 when something is still missing, 2 on wrong usage.
set -u

# group | Debian package | how to find it elsewhere: cmd NAME, pc PKG-CONFIG-MODULE, py MODULE | optional?
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
build  | scdoc                   | cmd scdoc                    |
test   | libcmocka-dev           | pc cmocka                    |
test   | bats                    | cmd bats                     |
test   | binutils                | cmd readelf                  |
test   | python3                 | cmd python3                  |
test   | python3-jsonschema      | py jsonschema                |
test   | sqlite3                 | cmd sqlite3                  |
test   | zsh                     | cmd zsh                      |
test   | git                     | cmd git                      |
test   | man-db                  | cmd man                      |
test   | locales                 | cmd localedef                |
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
    matrix) groups=' build test matrix ' ;;
    bench) groups=' build bench ' ;;
    all) groups=' build test matrix bench ' ;;
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
        [ "$1" = pkg-config ] && command -v pkg-config >/dev/null
        return
    fi
    case $2 in
        cmd) command -v "$3" >/dev/null ;;
        pc) command -v pkg-config >/dev/null && pkg-config --exists "$3" ;;
        py) command -v python3 >/dev/null && python3 -c "import $3" 2>/dev/null ;;
    esac
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
    exit 0
fi

[ $((${#missing[@]} + ${#optional[@]})) -gt 0 ] || exit 0

run=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        [ ${#missing[@]} -gt 0 ] || exit 0
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
[ ${#wanted[@]} -gt 0 ] || exit 0

echo "installing for '$want': ${wanted[*]}" >&2
if ! "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}" \
    >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    [ ${#missing[@]} -gt 0 ] || exit 0
    echo "could not install: ${missing[*]}" >&2
    exit 1
fi
