#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What `make demo` shows once everything is built: three real measurements, each under the command that made it,
# which is run from the top of the source tree exactly as it is shown. Environment: PROFILE names the build
# (fast). Exit code: 0, or 1 if a measurement failed; the others are made all the same.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

bin=build/${PROFILE:-fast}/bin
for program in tare syscall-path; do
    if [ ! -x "$bin/$program" ]; then
        echo "demo: no '$bin/$program', build it first with 'make PROFILE=${PROFILE:-fast}'" >&2
        exit 1
    fi
done

exec </dev/null # nothing below reads, and an exclusive measurement says so if it might

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-demo.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\e[1m' plain=$'\e[0m'
fi

failures=0

# say TEXT: a paragraph of explanation.
say() {
    printf '\n%s\n' "$1"
}

# run WORD...: print the command as one would type it, then run it.
run() {
    local line='' word status
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./=:,+-]*) line+=" '${word//\'/\'\\\'\'}'" ;;
            *) line+=" $word" ;;
        esac
    done
    printf '%s$%s%s\n' "$bold" "$line" "$plain"
    "$@"
    status=$?
    if [ "$status" -ne 0 ]; then
        echo "demo: that command failed with exit code $status" >&2
        failures=$((failures + 1))
    fi
}

say 'A system call on its way out of a sandbox, through four libraries, a million times. Each layer contains the
ones below it. "avg" is the time as read, "net" what remains when the cost of measuring is taken off, of a layer and of all
the layers within; then how sure that is.'
run "$bin/tare" run -- "$bin/syscall-path" close -1 1000000

say '"excl" is the check: what each timer says when it is measured alone, with the others switched off, so that nothing
within it has to be subtracted. What differs by more than the two intervals is marked.'
run "$bin/tare" run --exclusive -- "$bin/syscall-path" close -1 100000

say 'A program that nobody instrumented: its calls of the C library are the timers.'
if command -v sqlite3 >/dev/null; then
    run "$bin/tare" run --libc --sort total -- sqlite3 "$scratch/demo.db" "CREATE TABLE word(id, text);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        INSERT INTO word SELECT i, hex(randomblob(8)) FROM n;
        CREATE INDEX word_text ON word(text);"
else
    run "$bin/tare" run --libc --sort total -- tar -cf "$scratch/demo.tar" -C /usr include
fi

cat <<END

Next:
  What could be measured in a program:   $bin/tare list $bin/syscall-path
  Your own program:                      $bin/tare run -- PROGRAM [ARGUMENT...]
  ... if it has no timers yet:           $bin/tare run --libc -- PROGRAM [ARGUMENT...]
  A program with timers that is running: $bin/tare attach PID --for 2
  From an empty file to your hot path:   docs/tutorial.md
END

if [ "$failures" -ne 0 ]; then
    echo "demo: $failures of 3 measurements failed" >&2
    exit 1
fi
