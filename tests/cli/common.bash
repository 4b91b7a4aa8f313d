# SPDX-License-Identifier: MIT
# What the test files share. Each test works in a folder of its own, with the built command, the examples and
# tests/cli/programs in its PATH, and with nothing of the caller's settings.
#
# Environment: TARE_BUILD_DIR, TARE_SOURCE_DIR; both can be guessed where the build is build/fast.

bats_require_minimum_version 1.5.0

setup() {
    here=$BATS_TEST_DIRNAME
    source_dir=${TARE_SOURCE_DIR:-$(cd "$here/../.." && pwd)}
    build_dir=${TARE_BUILD_DIR:-$source_dir/build/fast}
    PATH=$build_dir/tests/programs:$build_dir/bin:$PATH
    command -v tare >/dev/null && command -v scenes >/dev/null || fail "no tare or no test programs in '$build_dir': build first" || return
    export LC_ALL=C.UTF-8 TERM=xterm
    unset COLUMNS NO_COLOR LD_PRELOAD TARE TARE_CLOCK TARE_DB TARE_ENABLE TARE_HISTOGRAM TARE_LOCK TARE_PAGE TARE_PROJECT TARE_REPORT TARE_THREADS TARE_TIMERS
    export TARE_LOCK_FILE=$BATS_TEST_TMPDIR/lock # not the machine's: somebody may measure
    started=()
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work" || return
}

teardown() {
    local pid
    for pid in "${started[@]}"; do
        { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null || true
    done
}

fail() {
    printf '%s\n' "$@" >&2
    return 1
}

# expect NAME ACTUAL PATTERN: a glob, against the whole text. [ and \ stand for themselves.
expect() {
    local pattern=${3//\\/\\\\}
    pattern=${pattern//\[/\\[}
    # shellcheck disable=SC2053 # a pattern is wanted
    [[ $2 == $pattern ]] || fail "$1 is not as expected" "--- expected" "$3" "--- found" "$2" "---"
}

# Debian's, which has the modules that we need; a python of the user's own may not.
python() {
    if [ -x /usr/bin/python3 ]; then
        /usr/bin/python3 "$@"
    else
        python3 "$@"
    fi
}

# start COMMAND...: in the background. Returns when its output (in the file output.PID) says "ready"; $pid is its id.
start() {
    local fifo=$BATS_TEST_TMPDIR/ready.fifo line=''
    rm -f "$fifo"
    mkfifo "$fifo"
    "$@" 3>&- >"$fifo" 2>"$BATS_TEST_TMPDIR/start.err" &
    pid=$!
    started+=("$pid")
    exec {from_process}<"$fifo"
    while [ "$line" != ready ]; do
        read -r -t 30 line <&"$from_process" || fail "'$*' did not get ready" "$(cat "$BATS_TEST_TMPDIR/start.err")" || return
    done
}

# rest: what the process of start() wrote after "ready", up to its end.
rest() {
    cat <&"$from_process"
    exec {from_process}<&-
}

# await COMMAND...: until it succeeds. For what announces itself to nobody.
await() {
    local end=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "waited in vain for: $*" || return
        sleep 0.01
    done
}

# in_ps PID FIELD: what tare ps says of the process now.
in_ps() {
    tare ps --format json | python -c 'import json, sys
print([p[sys.argv[2]] for p in json.load(sys.stdin) if p["pid"] == int(sys.argv[1])][0])' "$1" "$2"
}

has_enabled() {
    [ "$(in_ps "$1" enabled)" = "$2" ]
}

# counts_on PID: returns when the process has counted more.
counts_on() {
    local before
    before=$(in_ps "$1" calls)
    await more_calls "$1" "$before"
}

more_calls() {
    [ "$(in_ps "$1" calls)" -gt "$2" ]
}

# calls TIMER: of the table in $output.
calls() {
    awk -v timer="$1" '$1 == timer { print $2 }' <<<"$output"
}

on_terminal() {
    python "$here/terminal.py" "$@"
}

needs_preload() {
    [ "${TARE_HAVE_PRELOAD:-}" != 0 ] || skip "built without libtare-libc.so"
}

not_with_sanitizer() {
    [ -z "${TARE_SANITIZER:-}" ] || skip "$TARE_SANITIZER: $1"
}

# A process that has ended, and that nobody has waited for: $zombie.
start_zombie() {
    start python3 -c 'import os, time
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
open("zombie", "w").write(str(child))
print("ready", flush=True)
time.sleep(600)'
    # shellcheck disable=SC2034 # tests use it
    zombie=$(cat zombie)
}
