#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make info` prints behind `tare info`: the build's profile, which bindings of the suite ffi were built with it, and which
# commands can profile a program of this build on this machine. Each is tried.
#
#   scripts/info.sh BUILD-DIRECTORY PROFILE
set -u
build=$(cd "${1:?usage: scripts/info.sh BUILD-DIRECTORY PROFILE}" && pwd) || exit 1
profile=${2:?usage: scripts/info.sh BUILD-DIRECTORY PROFILE}
tare=$build/bin/tare
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

echo
echo "profile $profile: libraries, programs and the bindings of the suite ffi; PROFILE=fast|instrumented picks it"
"$tare" suite ffi --list --filter noop 2>/dev/null | sed -n 's/^side */  /p'

echo
echo "profiling a program of this build:"
for mode in lbr fp dwarf built-in; do
    if said=$("$tare" profile --mode "$mode" -o "$scratch/p.json" -- "$build/bin/hello" 2>&1 >/dev/null); then
        echo "  tare profile --mode $mode -- PROGRAM"
    else
        said=$(grep -m 1 '^tare: ' <<<"$said")
        echo "  not --mode $mode: ${said#tare: }"
    fi
done
echo "  tare run -- PROGRAM                  its timers"
echo "  tare run --libc -- PROGRAM           libc's calls, of any program"
