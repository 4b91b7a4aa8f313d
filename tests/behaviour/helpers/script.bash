# SPDX-License-Identifier: MIT
# For the scripts of this folder, which source it: cases and checks, printed as TAP; the built programs; a folder that
# goes with the script, on a tmpfs if there is one; and nothing of the caller's settings.
#
# Environment: TARE_BIN_DIR, or TARE_BUILD_DIR whose bin/ it is.
# shellcheck shell=bash disable=SC2034 # the scripts use them
set -u

bin=${TARE_BIN_DIR:-${TARE_BUILD_DIR:?set TARE_BIN_DIR to the folder of the built programs}/bin}
helpers=${TARE_BUILD_DIR:-$bin/..}/tests/behaviour
lib=${TARE_LIB_DIR:-$bin/../lib}
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
unset TARE TARE_CLOCK TARE_ENABLE TARE_HISTOGRAM TARE_PAGE TARE_REPORT TARE_THREADS TARE_TIMERS LD_PRELOAD
export LC_ALL=C.UTF-8
ulimit -c 0
for descriptor in "/proc/$$/fd"/*; do # those of a test runner, which a low limit would count, and a daemon keep open
    descriptor=${descriptor##*/}
    if ((descriptor > 2 && descriptor < 255)); then # bash reads the script through 255
        eval "exec $descriptor>&-"
    fi
done

case_number=0
case_name=
case_failed=0
case_skipped=
failed_cases=0
started=()

# end_script: nothing that was started here, and no file, stays behind.
end_script() {
    local pid
    for pid in "${started[@]}"; do
        kill -KILL "$pid"
        wait "$pid"
    done 2>/dev/null
    rm -rf -- "$scratch"
}
scratch=$(mktemp -d /dev/shm/tare-test.XXXXXX 2>/dev/null || mktemp -d "${TMPDIR:-/tmp}/tare-test.XXXXXX") || exit 1
trap end_script EXIT
trap 'exit 1' HUP INT TERM

skip_all() {
    echo "skipped: $*"
    exit 77
}

# needs PROGRAM...: of those that are built, by name or path; without one of them nothing here can run.
needs() {
    local program
    for program; do
        [[ $program == */* ]] || program=$bin/$program
        [ -x "$program" ] || skip_all "no '$program': it was not built"
    done
}

end_case() {
    [ -n "$case_name" ] || return 0
    if ((case_failed)); then
        echo "not ok $case_number $case_name"
        failed_cases=$((failed_cases + 1))
    else
        echo "ok $case_number $case_name${case_skipped:+ # SKIP $case_skipped}"
    fi
    case_name=
}

begin_case() {
    end_case
    case_number=$((case_number + 1))
    case_name=$*
    case_failed=0
    case_skipped=
}

skip_case() {
    case_skipped=$*
}

fail() {
    case_failed=1
    printf '%s\n' "$@" | sed 's/^/# /'
}

# check WHAT COMMAND...: it must succeed.
check() {
    local what=$1
    shift
    "$@" || fail "$what: failed: $*"
}

# check_not WHAT COMMAND...: it must fail.
check_not() {
    local what=$1
    shift
    ! "$@" || fail "$what: succeeded: $*"
}

# equal WHAT ACTUAL EXPECTED
equal() {
    [ "$2" = "$3" ] || fail "$1: is '$2', should be '$3'"
}

# matches WHAT ACTUAL GLOB
matches() {
    # shellcheck disable=SC2053 # a pattern is wanted
    [[ $2 == $3 ]] || fail "$1: is '$2', should match '$3'"
}

# one_line WHAT FILE: what it holds is one line, of a known form: "tare: ...".
one_line() {
    if [ "$(wc -l <"$2")" -ne 1 ] || [[ $(<"$2") != tare:\ * ]]; then
        fail "$1: not one line of tare's: '$(<"$2")'"
    fi
}

# eventually COMMAND...: gives it ten seconds to succeed.
eventually() {
    local end=$((SECONDS + 10))
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            fail "waited in vain for: $*"
            return 1
        fi
        sleep 0.005
    done
}

# has_ended PID: also if nobody has waited for it yet.
has_ended() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    [[ ${stat##*) } == [ZX]* ]]
}

finish() {
    end_case
    echo "1..$case_number"
    [ "$failed_cases" -eq 0 ]
    exit
}

python() {
    if [ -x /usr/bin/python3 ]; then
        /usr/bin/python3 -E "$@"
    else
        python3 "$@"
    fi
}

have_python() {
    python -c '' 2>/dev/null
}

# of_result FILE EXPRESSION: prints what a Python expression says of a result. `result` is the document, `timers`
# its timers' figures by name, `scopes` gives the number of scopes in a timer's histogram.
of_result() {
    python - "$@" <<'END'
import json, sys
result = json.load(open(sys.argv[1]))
timers = {t["module"] + "::" + t["name"]: t["figures"] for t in result["timers"]}
processes = result["processes"]
def scopes(name):
    return sum(count for _, _, count in timers[name]["histogram"])
print(eval(sys.argv[2]))
END
}
