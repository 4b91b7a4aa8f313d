#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Pages of real runs, read by page_reader.py, which was written from docs/page-format.md alone, and by `tare report`:
# every count, extreme, histogram and loss is the same. The pages are of the examples, of threads, of children made by
# fork, of libc's calls, of another clock, without histograms, without room, of a process that was killed, and of one that
# is stopped in the middle of it.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare hello nested threads span "$helpers/load"
have_python || skip_all "no python3"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1

# Compares what both say of each file. Prints what differs, then how many pages and timers with calls there were.
cat >compare.py <<'END'
import json, subprocess, sys
reader, *files = sys.argv[1:]

def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        print("'%s': code %d, %s" % (" ".join(command), done.returncode, done.stderr))
        sys.exit(1)
    return json.loads(done.stdout)

def range_of(index):
    """As the document has it."""
    shift = 0 if index < 32 else (index >> 4) - 1
    return (index, 1) if index < 32 else ((16 + (index & 15)) << shift, 1 << shift)

def differs(file, what, by_document, by_tare):
    if by_document != by_tare:
        print("'%s': %s: by the document %r, by tare %r" % (file, what, by_document, by_tare))

used = 0
for file in files:
    page, result = run(sys.executable, reader, file), run("tare", "report", "--format", "json", file)
    differs(file, "pid", [page["pid"]], [p["pid"] for p in result["processes"]])
    differs(file, "clock", page["clock"], result["clock"]["name"])
    lost = dict(result["lost"], dropped=result["lost"]["dropped_scopes"])
    differs(file, "lost", page["lost"], {name: lost[name] for name in page["lost"]})
    theirs = {(t["module"], t["name"]): t["figures"] for t in result["timers"]}
    differs(file, "timers", sorted((t["module"], t["name"]) for t in page["timers"]), sorted(theirs))
    for timer in page["timers"]:
        name = "%s::%s" % (timer["module"], timer["name"])
        figures = theirs[timer["module"], timer["name"]]
        for ours, other in (("calls", "calls"), ("outermost", "outermost_calls"), ("total_ticks", "raw_total_ticks"),
                            ("min_ticks", "raw_min_ticks"), ("max_ticks", "raw_max_ticks"),
                            ("scopes_within", "scopes_within"), ("bytes", "bytes")):
            differs(file, name + " " + ours, timer[ours], figures[other])
        buckets = [[*range_of(int(index)), count] for index, count in timer["buckets"].items()]
        differs(file, name + " buckets", buckets, figures["histogram"] or [])
        used += timer["calls"] != 0
print(len(files), used)
END

# agree PAGES LEAST FILE...: so many pages with at least so many timers that were called.
agree() {
    local pages=$1 least=$2 said
    shift 2
    said=$(python compare.py "$folder/page_reader.py" "$@")
    [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$said"
    equal "pages" "${said%% *}" "$pages"
    check "timers that were called ($said)" test "${said##* }" -ge "$least"
}

begin_case "examples"
for example in hello nested threads span; do
    TARE_PAGE=$example.page "$example" >/dev/null || fail "$example: $?"
done
agree 4 7 ./*.page

begin_case "other settings"
TARE_PAGE=clock.other TARE_CLOCK=clock nested >/dev/null
TARE_PAGE=sums.other TARE_HISTOGRAM=off nested >/dev/null
TARE_PAGE=full.other TARE_TIMERS=1 nested >/dev/null
TARE_PAGE=crowded.other TARE_THREADS=2 threads >/dev/null
TARE_PAGE=some.other TARE_ENABLE='nested::s*' nested >/dev/null
TARE_PAGE=none.other TARE_ENABLE=nothing nested >/dev/null
agree 6 8 ./*.other

begin_case "children made by fork, and a process that was killed"
TARE_PAGE=%p.child load count 3 forks 4 count 5
{ TARE_PAGE=killed.child load count 9 abort; } 2>/dev/null
agree 6 6 ./*.child

begin_case "a process that is stopped in the middle of it"
TARE_PAGE=stopped load count 100 ready begun endless &
pid=$!
started+=("$pid")
eventually test -e begun
kill -STOP "$pid"
is_stopped() {
    [[ $(<"/proc/$pid/stat") == *") T "* ]]
}
eventually is_stopped
agree 1 1 stopped
{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null

begin_case "libc's calls"
if [ -n "${TARE_SANITIZER:-}" ]; then
    skip_case "a sanitizer takes libc's calls for itself"
elif [ ! -e "$lib/libtare-libc.so" ]; then
    skip_case "built without libtare-libc.so"
else
    preload=$lib/libtare-libc.so
    LD_PRELOAD=$preload TARE_PAGE=%p.libc bash -c 'ls / >/dev/null; echo x | cat >/dev/null'
    LD_PRELOAD=$preload TARE_PAGE=threads.libc threads >/dev/null
    count=$(find . -name '*.libc' | wc -l)
    check "pages ($count)" test "$count" -ge 4
    agree "$count" 20 ./*.libc
fi

finish
