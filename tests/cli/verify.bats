#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare verify: what is measured, what is said of it, and how it ends. Whether the figures are true here is for the
# command to say, and not for a test, which runs beside others: either verdict is right.

load common

# The shortest that there is: three repetitions of each rung.
quick() {
    tare verify --time 0.1 "$@"
}

judged() {
    [ "$status" -eq 0 ] || [ "$status" -eq 1 ] || fail "exit code $status" "$output" "${stderr:-}"
}

default_clock() {
    tare info --format json | python -c 'import json, sys; print(json.load(sys.stdin)["clock"]["name"])'
}

@test "all clocks and rungs, a table of 80 columns, and a line to quote" {
    run --separate-stderr quick
    judged
    clock=$(default_clock)
    for mode in "$clock" "$clock, sums only" clock; do
        expect "the mode $mode" $'\n'"$output" *$'\n'"$mode: * repetitions, * of * pairs dropped"*
    done
    for rung in chain-2 chain-5 chain-100k loads-l1 loads-l2 loads-l3 loads-memory system-call two-threads nest-a nest-b \
        nest-c nest-d wrappers-a wrappers-d recursion; do
        [ "$(grep -c "^$rung " <<<"$output")" -ge 3 ] || fail "'$rung' is missing" "$output"
    done
    expect "the coverage" "$output" $'*\ncovered * of *: * % (* to * at 95 %), 90 % wanted\n*'
    expect "the last line" "${lines[-1]}" "on this machine: within * from 5 ns up ($clock)*"
    # But for the reasons of a skip, and a last line that says that the figures are not to be believed.
    [ "$(grep -vE 'skipped:|too small$' <<<"$output" | wc -L)" -le 80 ] || fail "too wide" "$(grep -E '.{81}' <<<"$output")"
    if [ "$status" -eq 1 ]; then
        expect stderr "$stderr" "tare: $clock*: the ± holds the truth in * % of cases, and should in 90 %*"
    else
        [ -z "$stderr" ] || fail "$stderr"
        expect "the last line" "${lines[-1]}" "*up ($clock)"
    fi
}

@test "in a locale without UTF-8, there is none" {
    LC_ALL=C run --separate-stderr quick --clock clock
    judged
    ! grep -qP '[^\x00-\x7f]' <<<"$output$stderr" || fail "$output" "$stderr"
    expect "the table" "$output" "* +- *"
}

@test "JSON says what was measured, and agrees with the exit code" {
    run --separate-stderr quick --format json
    judged
    python - "$status" "$(tare --version)" "$(default_clock)" "$output" <<'END'
import json, statistics, sys
status, version, default = sys.argv[1:4]
v = json.loads(sys.argv[4])
assert v["schema"] == "tare-verify" and v["schema_version"] == 1 and "tare " + v["tare_version"] == version
assert v["complete"] is True and v["holds"] is (status == "0"), (status, v["holds"])
assert v["environment"]["machine"] and len(v["fingerprint"]) == 64
modes = v["modes"]
assert [m["clock"] for m in modes][:2] == [default] * 2 and [m["histograms"] for m in modes][:2] == [True, False]
assert all(m["judged"] == (m["clock"] == default) for m in modes)
holds = True
for m in modes:
    assert m["complete"] and m["repetitions"] >= 3 and 0 <= m["pairs_dropped"] <= m["pairs"] / 2
    timers = {t["name"]: t for t in m["timers"]}
    assert {"chain-2", "chain-100k", "loads-l1", "system-call", "nest-a", "nest-d", "wrappers-c", "recursion"} <= set(timers)
    assert ("two-threads" in timers) == (m["second_cpu"] is not None) == ("two-threads" not in m["skipped"])
    assert [t["class"] for t in m["timers"] if t["rung"] == "nest"] == ["nest"] * 4
    assert m["cases"] == sum(t["cases"] for t in timers.values())
    assert m["covered"] == sum(t["covered"] for t in timers.values())
    assert m["coverage_low"] <= m["covered"] / m["cases"] <= m["coverage_high"]
    for t in timers.values():
        r = t["repetitions"]
        assert t["cases"] == m["repetitions"] == len(r["truth_ns"]) == len(r["covered"]), t
        assert t["covered"] == sum(r["covered"])
        for member in "truth_ns", "raw_ns", "net_ns", "error_ns", "half_width_ns":
            assert abs(statistics.median(r[member]) - t[member]) <= 1e-6 * abs(t[member]) + 1e-6, (t["name"], member)
        for truth, net, error, half, covered in zip(*(r[n] for n in ("truth_ns", "net_ns", "error_ns", "half_width_ns", "covered"))):
            assert truth > 0 and half > 0 and abs(net - truth - error) < 1e-3 + 1e-6 * truth
            assert covered == (abs(error) <= half) or abs(abs(error) - half) < 1e-3
    # What is claimed is kept.
    for kind, bound, start in ("single", m["single"], v["limits"]["from_ns"]), ("nest", m["nest"], 0):
        for t in timers.values():
            if t["class"] == kind and t["truth_ns"] >= start:
                assert abs(t["error_ns"]) <= max(bound["absolute_ns"] or 0, (bound["relative"] or 0) * t["truth_ns"]) + 1e-6 * t["truth_ns"], t
    # Longer chains take longer, on both sides; an unordered clock need not see it of short ones.
    for side in ("truth_ns",) if m["clock"] == "tsc" else ("truth_ns", "raw_ns"):
        chains = [timers[n][side] for n in ("chain-20", "chain-200", "chain-1k", "chain-10k", "chain-100k")]
        assert chains == sorted(chains), chains
    holds &= not m["judged"] or m["covered"] >= v["limits"]["coverage"] * m["cases"]
assert v["holds"] is holds
END
}

@test "clocks that are asked for are measured, once, and judged" {
    run --separate-stderr quick --clock clock,clock --clock clock --format json
    judged
    python - "$status" "$(default_clock)" "$output" <<'END'
import json, sys
v = json.loads(sys.argv[3])
assert [m["clock"] for m in v["modes"]] == ["clock"] * (2 if sys.argv[2] == "clock" else 1)
assert all(m["judged"] for m in v["modes"]) and v["holds"] is (sys.argv[1] == "0")
END
}

@test "it runs where it is told to" {
    cpu=$(python -c 'import os; print(max(os.sched_getaffinity(0)))')
    run --separate-stderr quick --clock clock --pin "$cpu" --format json
    judged
    [ "$(python -c 'import json, sys; print(json.loads(sys.argv[1])["modes"][0]["cpu"])' "$output")" = "$cpu" ]
}

@test "with one processor, what needs two is skipped, and that is said" {
    command -v taskset >/dev/null || skip "no taskset"
    cpu=$(python -c 'import os; print(max(os.sched_getaffinity(0)))')
    run --separate-stderr taskset -c "$cpu" tare verify --time 0.1 --clock clock
    judged
    expect "the table" "$output" *$'\ntwo-threads   skipped: there is no second processor that this process may use\n'*
}

@test "the caller's variables for libtare change nothing" {
    export TARE=off TARE_CLOCK=clock TARE_HISTOGRAM=off TARE_ENABLE=x TARE_REPORT=stderr TARE_PAGE=page TARE_TIMERS=1 TARE_THREADS=1
    run --separate-stderr quick --format json
    judged
    [ "$(unset "${!TARE@}" && default_clock)" = "$(python -c 'import json, sys; print(json.loads(sys.argv[1])["modes"][0]["clock"])' "$output")" ]
    [ ! -e page ]
}

@test "-o writes a file, whole, in the form of its suffix" {
    run --separate-stderr quick --clock clock -o result.json
    judged
    [ -z "$output" ]
    python -c 'import json; assert json.load(open("result.json"))["schema"] == "tare-verify"'
    run --separate-stderr quick --clock clock -o result.txt
    judged
    expect "the file" "$(<result.txt)" "clock: *on this machine: *"
    [ "$(ls)" = "result.json"$'\n'"result.txt" ]
}

@test "what cannot be written is said before anything is measured, where it can be" {
    run -2 tare verify -o no/such/folder
    [ "$output" = "tare: cannot create 'no/such/folder': No such file or directory" ]
    run -2 tare verify -o .
    [ "$output" = "tare: cannot write '.': Is a directory" ]
    for format in table json; do
        run -2 bash -c "tare verify --time 0.1 --clock clock --format $format 2>&1 >/dev/full"
        [ "$output" = "tare: cannot write to standard output: No space left on device" ]
        run -2 tare verify --time 0.1 --clock clock --format $format -o /dev/full
        [ "$output" = "tare: cannot write '/dev/full': No space left on device" ]
    done
}

@test "a wrong command line: a message, and nothing is measured" {
    run -2 tare verify --clock tsc-orderd
    [ "$output" = "tare: unknown clock 'tsc-orderd': did you mean 'tsc-ordered'?" ]
    run -2 tare verify --clock clock,sundial
    [ "$output" = "tare: unknown clock 'sundial': one of tsc-ordered, tsc, clock" ]
    run -2 tare verify --clock ''
    [ "$output" = "tare: unknown clock '': one of tsc-ordered, tsc, clock" ]
    run -2 tare verify --time 0
    [ "$output" = "tare: '0' is not a number of seconds above 0 for --time" ]
    run -2 tare verify --time 121
    expect output "$output" "tare: '121' is more than 120 seconds for --time*"
    run -2 tare verify --pin 1023
    expect output "$output" "tare: cannot use processor 1023: there is none of that number, or none for this process"
    run -2 tare verify --pin x
    expect output "$output" "tare: 'x' is not a number from 0 to * for --pin"
    run -2 tare verify --format csv
    [ "$output" = "tare: unknown format 'csv': one of table, json" ]
    run -2 tare verify ./program
    [ "$output" = "tare: './program' is one word too many: tare verify takes no operands" ]
}

@test "an interruption leaves what there is, and no verdict" {
    env --default-signal=INT tare verify --time 100 --clock clock --format json >out 2>err &
    pid=$!
    started+=("$pid")
    await pgrep -P "$pid" tare-rungs
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ] || fail "exit code $status" "$(cat out err)"
    [ ! -s err ] || fail "$(cat err)"
    python - <<'END'
import json
v = json.load(open("out"))
assert v["complete"] is False and v["holds"] is None and not v["modes"][0]["complete"], v
END
    [ -z "$(pgrep -P "$pid")" ]
}

@test "Ctrl-C on a terminal, where progress is shown" {
    run -130 on_terminal --at "about" ^C tare verify --time 100
    expect output "$output" "*1 of *, about * s left*interrupted, so there is no verdict*"
}

@test "without its program: a message" {
    mkdir bin
    cp "$(command -v tare)" bin/tare
    run -2 bin/tare verify
    expect output "$output" "tare: cannot find '*/bin/*/tare-rungs': No such file or directory; it is installed with tare"
}
