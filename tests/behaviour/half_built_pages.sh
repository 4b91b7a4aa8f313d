#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A program can be killed at any moment of its start, while libtare makes its page or has just made it. `tare run` then
# says how it ended, and that a page is missing where one is; a page in a file is there whole, or says that it is
# not ready, and is no obstacle to the next program that writes there.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare "$helpers/early_death" "$helpers/kill_at_call"
have_python || skip_all "no python3 to read results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1

for place in library program; do
    begin_case "killed in a constructor of the $place"
    DIE_IN=$place timeout 20 tare run --format json -o result.json early_death >out 2>err
    equal "exit code" $? 137
    equal "output" "$(<out)" ""
    matches "errors" "$(<err)" "tare: 'early_death' was killed by signal 9 (Killed): what it had counted until then follows*"
    equal "its end" "$(of_result result.json '[(p["end"], p["code"]) for p in result["passes"]]')" "[('signaled', 9)]"
    equal "timers" "$(of_result result.json '[t["calls"] for t in timers.values()] or [0]')" \
        "[$([ $place = program ] && echo 1 || echo 0)]"
    DIE_IN=$place timeout 20 tare run early_death >out 2>err
    equal "exit code with a table" $? 137
done

for place in claim magic; do
    begin_case "killed when it had claimed a page, and not more than begun it ($place)"
    DIE_IN=$place timeout 20 tare run --format json -o result.json early_death >out 2>err
    equal "exit code" $? 137
    matches "errors" "$(<err)" "*tare: *a page could not be read: page is still being built*"
    equal "lost processes" "$(of_result result.json 'result["lost"]["processes"]')" 1
done

# At each system call of its start, until it ends before we kill it. A sanitized program makes many before.
step=1
[ -z "${TARE_SANITIZER:-}" ] || step=9
begin_case "killed at any system call: tare run"
cat >all.sh <<'END'
n=0
while kill_at_call $n early_death || { code=$?; false; }; do n=$((n + $1)); done
echo "$n $code"
END
timeout 60 tare run --per-process --format json -o result.json bash all.sh "$step" >out 2>err
equal "exit code" $? 0
read -r calls code <out
if [ "$code" = 77 ]; then
    skip_all "programs cannot be traced here"
fi
equal "its end" "$code" 3
check "kills" test "$calls" -gt 50
whole=$(of_result result.json 'len(processes)')
lost=$(of_result result.json 'result["lost"]["processes"]')
check "some had their page ready ($whole)" test "$whole" -gt 1
check "some did not ($lost)" test "$lost" -gt 1
check "and some had none" test $((whole + lost)) -lt "$calls"
check "counts" test "$(of_result result.json \
    'all(f["figures"]["calls"] in (1, 10) for p in processes for f in p["timers"] if f["figures"]["calls"])')" = True

begin_case "killed at any system call: a page in a file"
read_one() {
    if [ -e page ]; then
        tare report --format json -o result.json page 2>err && return
        equal "exit code of tare report after $1" $? 2
        one_line "errors after $1" err
        matches "errors after $1" "$(<err)" "*page is still being built*"
    fi
}
for ((n = 0; n < calls; n += 3 * step)); do
    rm -f page page.*
    TARE_PAGE=page kill_at_call "$n" early_death
    read_one "$n"
    TARE_PAGE=page early_death
    tare report --format json -o result.json page 2>err || fail "no page after $n and another run"
done
equal "calls" "$(of_result result.json 'timers["early_death::work"]["calls"]')" 10

finish
