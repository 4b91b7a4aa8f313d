#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make bench-verdicts` counts what tare said, and nothing else: a false verdict, a missed difference and a failure are
# told; an interrupted count goes on where it stopped; and the document is replaced by a whole one alone. tare is one that
# says what it is told to, so this takes no measurement.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs bench-verdicts-chains
have_python || skip_all "no python3 to run the script with"
script=$folder/../../bench/verdicts/run.py
[ -f "$script" ] || skip_all "no sources beside the tests"
export TARE_LOCK_FILE=$scratch/lock # not the machine's: somebody may measure
cd "$scratch" || exit 1

mkdir -p build/bin
cp "$bin/bench-verdicts-chains" build/bin/
for program in chain-1000 chain-1005 chain-1010 lookup; do
    echo "$program" >"build/bin/bench-verdicts-$program"
done
cat >build/bin/tare <<'END'
#!/usr/bin/env bash
# Says of each comparison the next word of the file `say`, the last one again and again; "crash" is none.
if [ "$1" != bench ]; then
    echo 'tare      0.0'
    exit 0
fi
cd "$(dirname "$0")/../.." || exit 1
echo "$*" >>calls
mapfile -t words <say
verdict=${words[0]}
((${#words[@]} > 1)) && printf '%s\n' "${words[@]:1}" >say
if [ "$verdict" = crash ]; then
    echo 'tare: it crashed' >&2
    exit 2
fi
cat >"${*: -1}" <<JSON
{"bench": {"settings": {"time_s": 10, "margin": 0.01, "alpha": 0.002, "control_alpha": 0.01},
  "benchmarks": [{"spent_ns": 3e9, "arms": [{"failure": null, "summary": {"median_ns": 1000, "cv": 0.01}}],
    "contamination": {"rounds": 80, "dropped": 2, "rule_suspended": false, "measured_ns": 1e9, "steal_ns": null,
      "wait_ns": 1e6, "involuntary": 3, "migrations": null},
    "comparisons": [{"verdict": "$verdict", "ratio": 1.001, "low": 0.99, "high": 1.02, "confidence": 0.998,
      "control_differs": false, "control_ratio": 1, "control_low": 0.99, "control_high": 1.01, "smallest_change": 0.002,
      "units": 40, "units_needed": null, "decided_early": true, "reason": null}]}]}}
JSON
END
chmod +x build/bin/tare

# Takes no time, and is a tool that does not work.
printf '#!/bin/sh\necho "valgrind: no" >&2\nexit 1\n' >build/bin/valgrind
chmod +x build/bin/valgrind
PATH=$scratch/build/bin:$PATH

# count ARGUMENTS...: the script's exit status is left in `status`, what it wrote in `out` and `complaints`.
count() {
    (cd "$scratch" && python "$script" build --truth 0.01 --docs "$scratch/docs.md" "$@") >out 2>complaints
    status=$?
}
kept=build/verdicts/tries.jsonl

begin_case "verdicts are counted, and false ones are called so"
printf '%s\n' same faster same unresolved >say
count --only 1 --tries 4
equal "exit status" "$status" 2
check "the count" grep -q '1 of 4 ' out
equal "wrong ones" "$(grep -c WRONG out)" 1
check "the document says that it was missed" grep -q '^- Missed: false verdicts' build/verdicts/verdicts.md
check "what did not work is told" grep -q 'not counted: callgrind failed .*valgrind: no' build/verdicts/verdicts.md
check_not "a part of it becomes the document" test -e docs.md

begin_case "a difference is found only the right way around"
printf '%s\n' slower slower faster faster >say
count --only 2 --tries 4
check "of 1000 to 1010, 1010 to 1000, ... the first and the last" grep -q '2 of 4 (50 %)' out
equal "wrong ones" "$(grep -c WRONG out)" 2
equal "the longer one is B, then A" "$(tail -n 4 calls | sed 's/ --format.*//' | grep -c 'chain-1000 --vs .*chain-1010$')" 2
check "default settings" grep -q 'chain-1010 --format json' calls

begin_case "what was measured before a failure is kept, and --resume goes on behind it"
printf '%s\n' same crash crash crash same >say
count --only 1 --tries 5
equal "exit status" "$status" 2
matches "three in a row end it" "$(cat complaints)" "*3 tries failed in a row*"
check "the document tells" grep -q '^- 3 tries failed of: .*it crashed' build/verdicts/verdicts.md
count --only 1 --tries 5 --resume
check "the count" grep -q '0 of 5 ' out
check "failures that were made again are told" grep -q '^- 3 tries failed, and were made again' build/verdicts/verdicts.md

begin_case "a line that a crash cut off is measured again"
before=$(wc -l <"$kept")
printf '{"figure": "1", "try": 5, "verd' >>"$kept"
count --only 1 --tries 6 --resume
equal "lines" "$(wc -l <"$kept")" $((before + 1))
check "it is whole" python -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$kept"

begin_case "tries with other programs are not added to these"
echo changed >>build/bin/bench-verdicts-lookup
count --only 1 --tries 7 --resume
equal "exit status" "$status" 2
check "it is said" grep -q 'start anew, without --resume' complaints

begin_case "an interrupted count keeps its tries"
echo same >say
python "$script" build --truth 0.01 --docs docs.md --only 1 --tries 2000 >out 2>complaints &
started+=($!)
eventually grep -q ' 20 ' out
kill -TERM $!
wait $!
equal "exit status" $? 143
check "at least those that were shown" test "$(grep -c '"verdict"' "$kept")" -ge 20

begin_case "the document is written when all was measured, and says what was reached"
echo same >say
python - "$kept" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
fixed = [record for record in records if record["figure"] in ("setup", "truth")]
one = next(record for record in records if record["figure"] == "1")
with open(sys.argv[1], "w") as file:
    for record in fixed:
        print(json.dumps(record), file=file)
    for figure, tries, truth in (("1", 200, 1), ("2", 50, 1.01), ("3", 20, 1.005), ("4", 200, 1)):
        for number in range(tries):
            verdict = "same" if truth == 1 else "slower" if number > 2 else "unresolved"
            print(json.dumps({**one, "figure": figure, "try": number, "truth": truth, "verdict": verdict}), file=file)
END
count --report
check "94 % is less than 95 %" grep -q '| 47 of 50 (94 %) | .* \*\*missed\*\*' docs.md
check "85 % is less than 90 %" grep -q '| 17 of 20 (85 %) | .* \*\*missed\*\*' docs.md
equal "reached" "$(grep -c '| *0 of 200 .*| *reached' docs.md)" 2
equal "exit status" "$status" 1
sed -i '/"figure": "[23]"/s/"unresolved"/"slower"/' "$kept"
count --report
equal "all reached" "$status" 0
equal "no more is missed" "$(grep -c -i missed docs.md)" 0
finish
