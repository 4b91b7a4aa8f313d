#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Whose a page is: `tare run` ends nobody whom a page merely names; and
# a process with two libtares in it, one linked in and one of a library, is shown with both pages.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare "$helpers/load" "$helpers/load_static"
have_python || skip_all "no python3 to write pages and read results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1

begin_case "the time limit: a process that a page names, and that is not of the run, goes on"
cat >claims.py <<'END'
import os, struct, sys, time
victim = int(sys.argv[1])
path = os.environ["TARE_PAGE"].removeprefix("set:")
started = int(open(f"/proc/{victim}/stat").read().rpartition(")")[2].split()[19])
with open(path, "r+b", buffering=0) as pages:
    first = struct.unpack("=Q", os.pread(pages.fileno(), 8, 16))[0]
    header = bytearray(4096)
    struct.pack_into("=8sII", header, 0, b"TAREPAGE", 1, 0x01020304)
    struct.pack_into("=I", header, 28, 1)
    struct.pack_into("=I", header, 192, victim)
    struct.pack_into("=Q", header, 208, started)
    struct.pack_into("=Q", header, 448, os.stat("/proc/self/ns/pid").st_ino)
    os.pwrite(pages.fileno(), header, first)
    os.pwrite(pages.fileno(), struct.pack("=Q", 1), 40)
open("claimed", "w").close()
time.sleep(60)
END
load ready victim endless &
victim=$!
started+=("$victim")
eventually test -e victim
tare run --timeout 0.5 -o result.json "$(command -v python3)" claims.py "$victim" >out 2>err
equal "exit code" $? 124
check "the page was claimed" test -e claimed
check_not "the end of a process that is not of the run" has_ended "$victim"

begin_case "two libtares in one process: tare ps and tare attach show both pages"
if [ ! -e "$lib/libtare-libc.so" ] || [ -n "${TARE_SANITIZER:-}" ]; then
    skip_case "no libtare-libc.so that could be preloaded"
else
    tare run --libc -o both.json load_static count 7 ready both await enough 2>err &
    tare=$!
    started+=("$tare")
    eventually test -e both
    program=$(pgrep -P "$tare")
    equal "lines of tare ps" "$(tare ps | awk -v pid="$program" '$1 == pid' | wc -l)" 2
    tare attach -o attach.json "$program" 2>err
    equal "exit code of tare attach" $? 0
    equal "its counts" "$(of_result attach.json \
        'timers["load::work"]["calls"], any(n.startswith("libc::") and f["calls"] > 0 for n, f in timers.items())')" "(7, True)"
    : >enough
    wait "$tare"
    equal "exit code" $? 0
fi

finish
