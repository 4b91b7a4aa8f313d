#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A program that closes all of its descriptors, as daemons do, closes that of its page, too. Its counts lie in memory: it
# is measured to its end, and so are its children, and the program that it becomes.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare "$helpers/load"
have_python || skip_all "no python3 to read results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1

begin_case "under tare run"
tare run --format json -o result.json load count 3 closefrom 0 count 4 exit 5 2>err
equal "exit code" $? 5
equal "calls" "$(of_result result.json 'timers["load::work"]["calls"], result["lost"]["processes"]')" "(7, 0)"
equal "errors" "$(<err)" ""

begin_case "and its children, and what it becomes"
tare run --format json -o result.json load count 3 closefrom 0 forks 4 exec count 50 closefrom 0 forks 2 2>err
equal "exit code" $? 0
equal "calls" "$(of_result result.json 'timers["load::work"]["calls"], timers["load::child"]["calls"], len(processes)')" \
    "(53, 60, 8)"

begin_case "a page in a file"
TARE_PAGE=page load count 3 closefrom 0 count 4 forks 2
equal "exit code" $? 0
tare report --format json -o result.json page
equal "calls" "$(of_result result.json 'timers["load::work"]["calls"]')" 7
for page in page.*; do
    tare report --format json -o result.json "$page"
    equal "calls of a child" "$(of_result result.json 'timers["load::child"]["calls"]')" 10
done

begin_case "a report in a file"
TARE_REPORT=report load count 3 closefrom 0 count 4
equal "exit code" $? 0
check "calls" grep -Eq '^load::work +7 ' report

begin_case "descriptors that take the numbers of those that were closed are the program's"
cat >reuse.py <<'END'
import os, sys
os.closerange(3, 1000)
mine = [os.open("/dev/null", os.O_RDONLY) for _ in range(400)]
if os.fork() == 0:
    try:
        for fd in mine:
            os.fstat(fd)
    except OSError:
        os._exit(1)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
END
if [ -n "${TARE_SANITIZER:-}" ]; then
    skip_case "a sanitizer takes libc's calls for itself"
elif [ ! -e "$lib/libtare-libc.so" ]; then
    skip_case "built without libtare-libc.so"
else
    LD_PRELOAD=$lib/libtare-libc.so TARE_PAGE=reused python reuse.py
    equal "exit code" $? 0
    check "it was measured" test -e reused
fi

finish
