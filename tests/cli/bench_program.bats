#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A benchmark program that runs by itself, without `tare bench`: its options, its table, its JSON, and what goes wrong.

load common

quick=(--time 0.02)

# A row of the table, by the name of the case.
row() {
    awk -v name="$1" '$1 == name' <<<"$output"
}

@test "--help says what there is, and every option of it is taken" {
    run -0 --separate-stderr ring_bench --help
    [ "$stderr" = "" ]
    for option in --list --filter --time --format --help; do
        grep -q -- "$option" <<<"$output" || fail "no $option"
    done
    expect output "$output" "usage: *ring_bench *exit code: 0; 1 if a benchmark failed*"
}

@test "--list names the cases, in the order of the source, and measures nothing" {
    run -0 --separate-stderr ring_bench --list
    [ "$output" = "ring_write/1
ring_write/64
ring_write/1024
ring_write/65536
ring_last
ring_shared/threads:1
ring_shared/threads:2" ]
    [ "$stderr" = "" ]
}

@test "the table has a row for each case, and what a case says beside its time" {
    run -0 --separate-stderr ring_bench "${quick[@]}"
    [ "$stderr" = "" ]
    for name in $(ring_bench --list); do
        [ "$(row "$name" | wc -w)" -eq 7 ] || fail "no row of '$name' with six figures" "$output"
    done
    expect output "$output" "benchmark *median*95% +-*MAD*min*p99*first
*B/s, loop *items/s, loop *tare bench *ring_bench"
    expect output "$output" "*timer ring::wrap: 0.0*calls of * net*"
}

@test "no line is wider than 80 columns" {
    run -0 --keep-empty-lines ring_bench "${quick[@]}"
    while IFS= read -r line; do
        [ ${#line} -le 80 ] || fail "${#line} columns: $line"
    done <<<"$output"
    run bench_faults --filter 'a_name*,wrong' "${quick[@]}"
    expect output "$output" "*a_name_that_is_longer_than_its_column_is_wide
     *"
}

@test "--filter takes patterns of cases and of benchmarks" {
    run -0 ring_bench --list --filter 'ring_write/6*,ring_last'
    [ "$output" = "ring_write/64
ring_write/65536
ring_last" ]
    run -0 ring_bench --list --filter ring_write
    [ "${#lines[@]}" -eq 4 ]
    run -2 --separate-stderr ring_bench --filter nothing
    [ "$output" = "" ]
    expect stderr "$stderr" "*ring_bench: no benchmark matches 'nothing': --list prints their names"
}

@test "a sweep says what its time grows with" {
    not_with_sanitizer "its own time is most of it"
    run -0 bench_faults --filter linear --time 0.1
    expect output "$output" "*linear/n: O(n)*, * x n ?off by *"
}

@test "JSON holds the same figures" {
    ring_bench --format json "${quick[@]}" >result.json
    python - <<'END'
import json
result = json.load(open("result.json"))
assert result["schema"] == 1 and result["clock"] in ("tsc-ordered", "tsc", "clock"), result
cases = {case["name"]: case for case in result["benchmarks"]}
assert len(cases) == 7, cases.keys()
one = cases["ring_write/64"]
assert one["bench"] == "ring_write" and one["args"] == [64] and one["threads"] == 1 and one["failed"] is None
assert one["bytes"] == 64 and one["items"] is None
assert one["min_ns"] <= one["median_ns"] <= one["p99_ns"]
assert one["median_low_ns"] <= one["median_ns"] <= one["median_high_ns"]
assert one["samples"] >= 3 and one["iterations"] >= 1 and one["loop_ns"] > 0 and one["first_ns"] is not None
assert cases["ring_shared/threads:2"]["threads"] == 2
END
}

@test "a benchmark that fails is named, the others go on, and the code is 1" {
    run -1 --separate-stderr bench_faults --filter 'right,wrong,no_loop,left_early' "${quick[@]}"
    [ "$stderr" = "" ]
    [ "$(row right | wc -w)" -eq 7 ]
    expect output "$output" "*
wrong  * failed: tare_require(answer == 42) in *bench_faults.c:*
no_loop  * failed: it never gets to a TARE_EACH loop
left_early  * failed: it leaves its TARE_EACH loop early
*"
    run -1 bench_faults --filter wrong --format json "${quick[@]}"
    python - "$output" <<'END'
import json, sys
case, = json.loads(sys.argv[1])["benchmarks"]
assert case["failed"].startswith("tare_require(answer == 42) in "), case
END
}

@test "what was measured before a crash is there" {
    run --separate-stderr bench_faults --filter 'right,crashes' "${quick[@]}"
    [ "$status" -ne 0 ]
    [ "$(row right | wc -w)" -eq 7 ]
    run -7 bench_faults --filter 'right,exits' "${quick[@]}"
    [ "$(row right | wc -w)" -eq 7 ]
}

@test "two cases, or two benchmarks, of one name are an error at start" {
    for program in bench_same_case bench_twice; do
        run -2 --separate-stderr "$program" --list
        [ "$output" = "" ]
    done
    expect stderr "$stderr" "*bench_twice: benchmark 'twice' is declared twice: *bench_twice.c:* and *bench_twice.c:*"
    run -2 --separate-stderr bench_same_case
    expect stderr "$stderr" "*: case 'same_case/5' is declared twice"
}

@test "wrong options are refused, and say where help is" {
    for arguments in --nonsense '--time 0' '--time x' '--time -1' '--time nan' '--format xml' operand '--filter'; do
        # shellcheck disable=SC2086 # words
        run -2 --separate-stderr ring_bench $arguments
        [ "$output" = "" ]
        expect stderr "$stderr" "*ring_bench: *see '*ring_bench --help'"
    done
}

@test "output that cannot be written is an error" {
    [ -c /dev/full ] || skip "no /dev/full"
    run -2 --separate-stderr sh -c "ring_bench --filter ring_last --time 0.02 >/dev/full"
    expect stderr "$stderr" "*ring_bench: cannot write: No space left on device"
    run -2 --separate-stderr sh -c "ring_bench --list >/dev/full"
}

@test "timers stay off while benchmarks are timed, unless the user enables them" {
    run -0 ring_bench --filter ring_write/65536 "${quick[@]}"
    expect output "$output" "*timer ring::wrap: 0.3? calls of * net*"
    TARE=off run -0 ring_bench --filter ring_write/65536 "${quick[@]}"
    [[ $output != *"timer ring::wrap"* ]]
    # What is enabled from outside counts all that the program does: warming up, samples, and the run for the timers.
    run -0 env TARE_REPORT=stdout ring_bench --filter ring_write/65536 "${quick[@]}"
    expect output "$output" "*timer ring::wrap: 0.3? calls of * net*ring::wrap *"
}

@test "it does not need the command" {
    # The program with the library alone, in a folder of their own and no PATH.
    cp "$build_dir/bin/ring_bench" .
    library=$(find "$build_dir" -name 'libtare.so.0' -print -quit)
    run -0 env -i LD_LIBRARY_PATH="$(dirname "$library")" ./ring_bench --filter ring_last --time 0.02
    [ "$(row ring_last | wc -w)" -eq 7 ]
}

@test "every function and macro of the header is in tare_bench(3)" {
    names=$(sed '/^ \* 5. Behind the macros/,$d' "$source_dir/include/tare/bench.h" |
        grep -oE '\b(tare_[a-z]|TARE_[A-Z])[A-Za-z_]*\(' | tr -d '(' | sort -u)
    [ "$(wc -w <<<"$names")" -ge 13 ]
    for name in $names; do
        grep -q "$name" "$source_dir/docs/man/tare_bench.3.scd" || fail "'$name' is missing"
    done
}

@test "that a program has benchmarks can be seen in its file" {
    command -v readelf >/dev/null || skip "no readelf"
    readelf -SW "$build_dir/bin/ring_bench" | grep -q ' tare_benches '
    ! readelf -SW "$build_dir/bin/hello" | grep -q ' tare_benches '
}
