#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every call of syscall-path comes back with the right result through all of its layers, each of which counts it
# once (twice where a grate makes it again); a wrong command line is refused in one line with exit code 2.
# Prints TAP. Environment: TARE_BIN_DIR, or TARE_BUILD_DIR whose bin/ it is.
set -u

bin=${TARE_BIN_DIR:-${TARE_BUILD_DIR:?set TARE_BIN_DIR to the folder of the built programs}/bin}
if [ ! -e "$bin/syscall-path" ]; then
    echo "no '$bin/syscall-path': the examples were not built"
    exit 77
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-syscall-path.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
unset TARE TARE_ENABLE TARE_PAGE TARE_CLOCK TARE_REPORT TARE_HISTOGRAM TARE_TIMERS TARE_THREADS
count=0
failures=0

# verdict STATUS WHAT: one TAP line; of a failure, the output follows.
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count $2"
    else
        failures=$((failures + 1))
        echo "not ok $count $2"
        sed 's/^/# /' "$scratch/out" "$scratch/err"
    fi
}

# summary PATTERN ARGUMENT...: exits with 0 and prints one line that the pattern covers.
summary() {
    local pattern=$1
    shift
    "$bin/syscall-path" "$@" >"$scratch/out" 2>"$scratch/err" &&
        grep -Exq "$pattern; [0-9]+\.[0-9] ns a call" "$scratch/out" &&
        [ "$(wc -l <"$scratch/out")" -eq 1 ] && [ ! -s "$scratch/err" ]
    verdict $? "syscall-path $* returns what it must"
}

# counted "TIMER CALLS"... -- ARGUMENT...: the report has these rows.
counted() {
    local row timer calls
    local -a rows=()
    while [ "$1" != -- ]; do
        rows+=("$1")
        shift
    done
    shift
    TARE_REPORT="$scratch/out" "$bin/syscall-path" "$@" >/dev/null 2>"$scratch/err"
    verdict $? "syscall-path $* ends well with a report"
    for row in "${rows[@]}"; do
        read -r timer calls <<<"$row"
        grep -Eq "^${timer} +${calls} " "$scratch/out"
        verdict $? "syscall-path $* counts $calls of $timer"
    done
}

# refused ARGUMENT...: exit code 2, one line on stderr, nothing on stdout.
refused() {
    local status
    "$bin/syscall-path" "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    [ "$status" -eq 2 ] && [ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" -eq 1 ]
    verdict $? "syscall-path $* is refused"
}

# Results: errno 9 is EBADF.
summary 'close -1: 1000 calls, 1 cage, 1 thread, each returned -9' close -1 1000
summary 'close 1023: 10 calls, 1 cage, 1 thread, each returned -9' close 1023 10
summary 'close 2147483647: 10 calls, 1 cage, 1 thread, each returned -9' close 2147483647 10
summary 'dup: 1000 calls, 1 cage, 1 thread, each returned 0' dup 1000
summary "geteuid: 1000 calls, 1 cage, 1 thread, each returned $(id -u)" geteuid 1000
summary 'open: 100 calls, 1 cage, 1 thread, each returned 0' open 100
summary 'read 1: 100 calls, 1 cage, 1 thread, each returned 1' read 1 100
summary 'read 10240: 100 calls, 1 cage, 1 thread, each returned 10240' read 10240 100
summary 'write 1: 100 calls, 1 cage, 1 thread, each returned 1' write 1 100
summary 'write 10240: 100 calls, 1 cage, 1 thread, each returned 10240' write 10240 100
summary 'read 4096: 1001 calls, 3 cages, 4 threads, each returned 4096' --cages 3 read 4096 1001 --threads 4
summary 'open: 400 calls, 62 cages, 4 threads, each returned 0' open 400 --cages 62 --threads 4
summary 'read 512: 100 calls, 2 cages, 2 threads, a grate, each returned 512' \
    --grate --cages 2 --threads 2 read 512 100
summary 'write 512: 100 calls, 1 cage, 1 thread, a grate, each returned 512' --grate write 512 100
summary 'close -1: 100 calls, 1 cage, 1 thread, a grate, each returned -9' --grate close -1 100

# Every layer saw every call.
counted 'lind_common::add_to_linker::make-syscall 1000' 'threei::make_syscall 1000' \
    'rawposix::close_syscall 1000' 'fdtables::close_virtualfd 1000' \
    'lind_boot::load_main_module 1' 'lind_boot::invoke_func 1' -- close -1 1000
counted 'threei::make_syscall 1000' 'rawposix::geteuid_syscall 1000' -- geteuid 1000
counted 'rawposix::read_syscall 1000' 'fdtables::translate_virtual_fd 1000' 'lind_boot::invoke_func 4' \
    -- read 100 1000 --threads 4 --cages 3
counted 'rawposix::write_syscall 1000' 'fdtables::translate_virtual_fd 1000' -- write 100 1000
counted 'rawposix::open_syscall 50' 'rawposix::close_syscall 50' \
    'fdtables::get_unused_virtual_fd 52' -- open 50 # two are open from the beginning
counted 'fdtables::dup_virtual_fd 50' 'fdtables::close_virtualfd 50' -- dup 50
counted 'lind_common::add_to_linker::make-syscall 300' 'threei::make_syscall 600' 'grate::forward 300' \
    'threei::copy_data_between_cages 300' 'rawposix::write_syscall 300' -- --grate write 64 300

refused
refused clse -1 10
refused close 10
refused close 0 10
refused close x 10
refused close 99999999999 10
refused geteuid
refused geteuid 0
refused geteuid 1x
refused geteuid ''
refused geteuid 10 10
refused read 0 10
refused read 10241 10
refused write 10
refused --bogus geteuid 1
refused geteuid 1 --cages 0
refused geteuid 1 --cages 63
refused geteuid 1 --threads
refused geteuid 1 --threads 65

"$bin/syscall-path" --help >"$scratch/out" 2>"$scratch/err" &&
    grep -q '^usage: syscall-path' "$scratch/out" && [ ! -s "$scratch/err" ]
verdict $? "syscall-path --help prints its usage"
! "$bin/syscall-path" geteuid 1 >/dev/full 2>"$scratch/err" && [ "$(wc -l <"$scratch/err")" -eq 1 ]
verdict $? "a summary that cannot be written is no success"

echo "1..$count"
[ "$failures" -eq 0 ]
