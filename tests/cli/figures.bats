#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What commands say of how sure their figures are, and of what measuring took: intervals, limits, --max-overhead.

load common

@test "every net average has its interval, its limit, and the causes of its error" {
    run -0 --separate-stderr tare run -x -n 2 -o result.json nested
    python - <<'END'
import json, math
result = json.load(open("result.json"))
assert result["confidence"] == 0.95, result["confidence"]
causes = ("calibration", "drift", "context", "rate", "granularity", "sampling")
for timer in result["timers"]:
    for figures in (timer["figures"], timer["exclusive"]):
        net, error = figures["net_avg_ns"], figures["net_avg_error_ns"]
        assert error > 0, figures
        assert math.isclose(figures["net_avg_low_ns"], net - error) and math.isclose(figures["net_avg_high_ns"], net + error), figures
        parts = [figures["net_avg_error_%s_ns" % cause] for cause in causes]
        assert None not in parts[:-1], figures
        assert math.isclose(math.hypot(*(part for part in parts if part is not None)), error, rel_tol=1e-9), figures
        method = math.hypot(*(part for part, cause in zip(parts, causes) if cause not in ("rate", "sampling")))
        assert math.isclose(figures["net_avg_limit_ns"], 2 * method, rel_tol=1e-9), figures
        for percentile in ("p50", "p90", "p95", "p99", "p999"):
            raw, off = figures["raw_%s_ns" % percentile], figures[percentile + "_error_ns"]
            step = result["clock"]["granularity_ns"] or 0 # readings come in steps, which may be wider than a bucket (of a 16th)
            assert 0 <= off <= max(raw / 16 * 1.0001, 1.001 * step), (percentile, raw, off)
END
}

@test "what measuring took is the sum over the timers, and a share of the processor time" {
    run -0 --separate-stderr tare run -n 3 -o result.json nested
    python - <<'END'
import json, math
result = json.load(open("result.json"))
cpu_ns = sum(p["user_ns"] + p["system_ns"] for p in result["passes"])
assert math.isclose(result["cpu_ns"], cpu_ns), (result["cpu_ns"], cpu_ns)
figures = [timer["figures"] for timer in result["timers"]]
assert math.isclose(result["measuring_ns"], sum(f["measuring_ns"] for f in figures)), result["measuring_ns"]
for f in figures:
    assert math.isclose(f["measuring_share"], f["measuring_ns"] / cpu_ns), f
assert 0.1 < result["measuring_share"] <= 1, result["measuring_share"]
END
    run -0 tare report result.json
    expect output "$output" $'*\nmeasuring took ?* % of this run: *s of *s processor time\n*'
    [ "${#lines[@]}" -gt 3 ] # and that is no warning of a report
    [[ $output != *"tare: "* ]]
}

@test "where the two passes disagree, the row is marked and explained" {
    run -0 --separate-stderr tare run -x -n 8 -o result.json nested
    python - <<'END'
import json
changed = json.load(open("result.json"))
for timer in changed["timers"]:
    a, b = timer["figures"], timer["exclusive"]
    known = None not in (a["net_avg_error_sampling_ns"], b["net_avg_error_sampling_ns"])
    apart = a["net_avg_high_ns"] < b["net_avg_low_ns"] or b["net_avg_high_ns"] < a["net_avg_low_ns"]
    assert timer["disagrees"] == (apart if known else None), timer
changed["timers"][0]["disagrees"] = True
changed["timers"][1]["disagrees"] = False
json.dump(changed, open("changed.json", "w"))
END
    run -0 tare report --columns name,exclusive-net,disagrees changed.json
    [ "$(grep -c ' ! .* yes$' <<<"$output")" -eq 1 ]
    expect output "$output" "*note: '!': the exclusive pass disagrees with the common one*"
}

@test "what an older tare wrote is shown, without what it did not know" {
    run -0 --separate-stderr tare report "$source_dir/tests/fuzz/corpus/result/table.json"
    expect output "$output" "*fdtables::close_virtualfd *101.000ns   > 0.250ns*"
    [[ $output != *"measuring took"* ]]
    run -2 tare report --max-overhead 50 "$source_dir/tests/fuzz/corpus/result/table.json"
    expect output "$output" "*tare: what measuring took is not known, so --max-overhead cannot be judged: *"
}

@test "above 10 %, a warning names the timers and the patterns that leave them out" {
    run -0 --separate-stderr tare run -o result.json nested
    expect stderr "$stderr" "tare: warning: measuring took ?* % of this run: nested::compare ?* %*; *"
    [[ $stderr =~ "--only '"([^\']*)"'" ]] || skip "nothing can be left out here: $stderr"
    run -0 --separate-stderr tare run --only "${BASH_REMATCH[1]}" nested
    [ -z "$(calls nested::compare)" ]
    [ "$(calls nested::sort)" -eq 20 ]
}

@test "few scopes: no warning" {
    run -0 --separate-stderr tare run scenes exit 0
    [ -z "$stderr" ]
    expect output "$output" $'*\nmeasuring took 0.? % of this run: *'
}

@test "--max-overhead: exceeded, it is an error, and the result is there" {
    run -125 --separate-stderr tare run --max-overhead 0.001 -o result.json nested
    expect stderr "$stderr" "tare: measuring took ?* % of this run, more than --max-overhead 0.001: nested::compare *; *"
    [ "$(grep -c . <<<"$stderr")" -eq 1 ]
    run -0 --separate-stderr tare report result.json
    [ "$(calls nested::sort)" -eq 20 ]
    run -2 --separate-stderr tare report --max-overhead 0.001 result.json
    [ "$(calls nested::sort)" -eq 20 ]
    expect stderr "$stderr" "tare: measuring took ?* % of this run, more than --max-overhead 0.001: *"
}

@test "--max-overhead: not exceeded, it says nothing, and the program's exit code is passed on" {
    run -0 --separate-stderr tare run --max-overhead 100 nested
    [ -z "$stderr" ]
    run -7 --separate-stderr tare run --max-overhead 50 scenes exit 7
    [ -z "$stderr" ]
    run -0 --separate-stderr tare run --max-overhead 0 scenes idle # nothing is called
    [ -z "$stderr" ]
}

@test "--max-overhead: what is not known is not within it" {
    TARE_PAGE=$PWD/nested.page nested >/dev/null
    run -2 --separate-stderr tare report --max-overhead 100 nested.page
    [ "$stderr" = "tare: what measuring took is not known, so --max-overhead cannot be judged: the processor time of what was measured is not known" ]
    # One that runs on is not in the program's time.
    run -125 --separate-stderr tare run --max-overhead 100 sh -c 'mkfifo ready; scenes sleep >ready 2>&1 & echo $! >pid; read -r word <ready'
    started+=("$(cat pid)")
    expect stderr "$stderr" "tare: what measuring took is not known, *"
}

@test "--max-overhead: attached" {
    start scenes spin
    run -0 --separate-stderr tare attach "$pid" --for 0.1 -o result.json
    expect stderr "$stderr" "tare: warning: measuring took ?* % of this process: scenes::*; leave * out with --disable '*'"
    python - <<'END'
import json
result = json.load(open("result.json"))
assert result["kind"] == "attach" and 1e6 < result["cpu_ns"] < 10e9, result["cpu_ns"]
assert 0 < result["measuring_share"] <= 1, result["measuring_share"]
END
    run -2 --separate-stderr tare attach "$pid" --for 0.1 --max-overhead 0.001
    [ "$(calls scenes::step)" -gt 0 ]
    expect stderr "$stderr" "tare: measuring took ?* % of this process, more than --max-overhead 0.001: *"
    run -0 --separate-stderr tare attach "$pid" --for 0.1 --max-overhead 100
    [ -z "$stderr" ]
}

@test "--max-overhead takes a percentage" {
    for text in '' x -1 101 nan inf '5 %' 5%; do
        run -125 tare run --max-overhead "$text" scenes exit 0
        [ "$output" = "tare: '$text' is not a percentage from 0 to 100 for --max-overhead" ]
    done
    run -2 tare attach --max-overhead 200 1
    [ "$output" = "tare: '200' is not a percentage from 0 to 100 for --max-overhead" ]
    run -2 tare report --max-overhead 200 x
    [ "$output" = "tare: '200' is not a percentage from 0 to 100 for --max-overhead" ]
}
