#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# All microbenchmarks of the suite `syscalls`: close(-1) and the null call 1,000,000 times in one process, natively and in
# the sandbox; the report of lind-perf, layer by layer; then every benchmark by `tare suite syscalls`, in pairs and with
# intervals. suites/syscalls/README.md has the definitions.
#
#     scripts/run_microbench.sh [--quick] [OPTION of tare suite]...
#
# --quick: 100,000 times, and the suite's own --quick: under a minute each. Environment: TARE_BIN_DIR, the folder of the
# built or installed commands; else PROFILE names the build (fast). Exit code: 0; 1 if something failed or ended; 2: it is not
# built, or `tare suite` was misused.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

bin=${TARE_BIN_DIR:-build/${PROFILE:-fast}/bin}
if [ ! -x "$bin/tare" ]; then
    echo "run_microbench: no '$bin/tare', build it first with 'make PROFILE=${PROFILE:-fast}'" >&2
    exit 2
fi
programs=$bin/../libexec/tare/suites/syscalls
count=1000000
for option in "$@"; do
    if [ "$option" = --quick ]; then
        count=100000
    fi
done
trap 'exit 130' INT
trap 'exit 143' TERM

failures=0
sandbox=yes
if [ ! -x "$bin/lind-boot" ] || [ ! -e "$programs/calls.wasm" ]; then
    sandbox=no
    echo "run_microbench: skipped: all that is sandboxed: install clang lld wasi-libc libclang-rt-14-dev-wasm32, and build again" >&2
elif ! "$bin/lind-boot" --compile "$programs/calls.wasm"; then
    sandbox=no
    echo "run_microbench: skipped: all that is sandboxed" >&2
fi

# one WORKLOAD COMMAND...: ns of one call, or nothing.
one() {
    local name=$1 line
    shift
    if ! line=$("$@" "$name" "$count"); then
        failures=1
        return 1
    fi
    line=${line##*times, }
    echo "${line%% ns*}"
}

printf '%-12s %12s %14s %8s   %d times in one process, without intervals\n' call 'native, ns' 'sandboxed, ns' ratio "$count"
for name in close_bad null_call close_wasi clock_wasi; do
    native=$(one "$name" "$programs/calls") || native=-
    sandboxed=-
    if [ "$sandbox" = yes ]; then
        sandboxed=$(one "$name" "$bin/lind-boot" "$programs/calls.wasm") || sandboxed=-
    fi
    ratio=$(awk -v n="$native" -v s="$sandboxed" 'BEGIN { if (n > 0 && s > 0) printf "%.2f", s / n; else printf "-" }')
    printf '%-12s %12s %14s %8s\n' "$name" "$native" "$sandboxed" "$ratio"
    [ "$native" != - ] || failures=1
done

if [ "$sandbox" = yes ]; then
    printf '\n'
    "$bin/lind-boot" --perf "$programs/calls.wasm" close_bad "$count" || failures=1
fi

printf '\n'
"$bin/tare" suite syscalls "$@"
status=$?
[ $status -le 1 ] || exit $status
[ $failures -eq 0 ] && exit $status
exit 1
