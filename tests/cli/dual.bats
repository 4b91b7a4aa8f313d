#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare dual: a build that is fast and one that is fit for profilers, side by side.

load common

# Two programs of which the second one takes longer.
two_programs() {
    printf '#!/bin/sh\nsleep 0.00$1\n' >fast
    printf '#!/bin/sh\nsleep 0.02\n' >instrumented
    chmod +x fast instrumented
}

# a_project: a repository with a makefile that heeds CFLAGS.
a_project() {
    command -v git >/dev/null || skip "no git"
    command -v make >/dev/null || skip "no make"
    command -v cc >/dev/null || skip "no cc"
    cat >prog.c <<'END'
#include <stdlib.h>
__attribute__((noinline)) static unsigned step(unsigned x) { return x * 1664525u + 1013904223u; }
__attribute__((noinline)) unsigned inner(unsigned x, int n) { for (int i = 0; i < n; i++) x = step(x); return x; }
__attribute__((noinline)) unsigned outer(unsigned x, int n) { return inner(x, n) + inner(x + 1, n); }
int main(int argc, char **argv) { return outer(1, argc > 1 ? atoi(argv[1]) : 1000) == 1; }
END
    printf 'CFLAGS = -O0\nprog: prog.c\n\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ prog.c\n' >Makefile
    printf 'prog\nresult.json\n' >.gitignore
    git init -q .
    git add .
    git -c user.name=nobody -c user.email=nobody@localhost commit -qm one
    make -s
}

@test "two builds that are there" {
    two_programs
    run -0 --separate-stderr tare dual --fast ./fast --instrumented ./instrumented --time 8 -- 5
    expect output "$output" "  maximum performance *  ± *
  instrumented * ms  ± *
  cost of instrumentation  +* % (+* to +* %): slower

builds
  fast          ./fast
  instrumented  ./instrumented

commands
  tare bench --fail-on=nothing --shell=none --time 8 '*/fast 5' --vs '*/instrumented 5'
  tare profile -- */fast 5 # of fast, not run here
  tare profile -- */instrumented 5 # of instrumented, not run here"
}

@test "JSON says the same" {
    two_programs
    tare dual --fast ./fast --instrumented ./instrumented --time 8 -o result.json -- 5
    python - <<'END'
import json
r = json.load(open("result.json"))
assert r["schema"] == "tare-dual" and r["schema_version"] == 1, r
one, = r["benchmarks"]
assert one["fast"]["median_ns"] < one["instrumented"]["median_ns"], one
assert one["cost"]["verdict"] == "slower" and 1 < one["cost"]["low"] <= one["cost"]["ratio"] <= one["cost"]["high"], one
assert [b["profile"] for b in r["builds"]] == ["fast", "instrumented"] and r["modes"] == [], r
assert r["builds"][0]["executable"].endswith("/fast") and r["builds"][0]["command"] is None, r
assert r["builds"][0]["frame_pointers"] is None, r
END
}

@test "benchmarks in the program are compared one by one" {
    tare dual --fast "$build_dir/tests/programs/bench_cases_100" --instrumented "$build_dir/tests/programs/bench_cases_125" \
        --time 0.2 -o result.json
    python - <<'END'
import json
r = json.load(open("result.json"))
names = [one["name"] for one in r["benchmarks"]]
assert "steady" in names and "linear/100" in names, names
END
}

@test "builds both by a command that gets the flags, in trees of their own" {
    a_project
    before=$(sha256sum prog)
    run -0 --separate-stderr tare dual --build 'make CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"' --time 0.1 --format json -- ./prog 100
    python - "$output" "$(git rev-parse HEAD)" "$(tare flags)" "$(tare flags --profile instrumented)" <<'END'
import json, sys
r = json.loads(sys.argv[1])
fast, instrumented = r["builds"]
assert fast["commit"] == instrumented["commit"] == sys.argv[2], r
assert fast["flags"] == sys.argv[3] and instrumented["flags"] == sys.argv[4], r
assert fast["executable"] is None and fast["command"].startswith("make"), fast
assert fast["frame_pointers"] < 0.5 and instrumented["frame_pointers"] == 1, r
END
    [ "$(sha256sum prog)" = "$before" ]
    [ -z "$(git status --porcelain)" ]
    [ "$(git worktree list | wc -l)" -eq 1 ]
}

@test "the program need not be there before, and the commands name what stays" {
    a_project
    rm prog
    run -0 --separate-stderr tare dual --build make --time 0.1 -- ./prog 100
    expect output "$output" "*
commands
  CFLAGS='$(tare flags)' CXXFLAGS='$(tare flags)' LDFLAGS='' TARE_DUAL_PROFILE=fast make # ./prog.fast
  CFLAGS='*' TARE_DUAL_PROFILE=instrumented make # ./prog.instrumented
  tare bench --fail-on=nothing --shell=none --time 0.1 './prog.fast 100' --vs './prog.instrumented 100'
  tare profile -- ./prog.fast 100 # of fast, not run here
  tare profile -- ./prog.instrumented 100 # of instrumented, not run here
note: each build is one of *"
    [ ! -e prog ]
    run -0 --separate-stderr tare dual --build 'make -C . CFLAGS="$CFLAGS" && mkdir -p deep/er && mv prog deep/er' --keep kept/here \
        --time 0.1 --format json -- deep/er/prog 100
    python - "$output" "$PWD/kept/here/prog" <<'END'
import json, os, subprocess, sys
r = json.loads(sys.argv[1])
for build in r["builds"]:
    assert build["executable"] == f"{sys.argv[2]}.{build['profile']}", build
    assert os.access(build["executable"], os.X_OK), build
    assert build["build_command"].endswith("""sh -c 'make -C . CFLAGS="$CFLAGS" && mkdir -p deep/er && mv prog deep/er'"""), build
assert f"'{sys.argv[2]}.fast 100' --vs " in r["bench_command"], r
END
    [ "$(git worktree list | wc -l)" -eq 1 ]
    run -2 --separate-stderr tare dual --build true --time 0.1 -- ./prog 100
    expect stderr "$stderr" "*tare: fast: 'true' did not make 'prog' at *: name what it makes"
}

@test "outside of git: what to do is said in words of this command" {
    command -v git >/dev/null || skip "no git"
    run -2 --separate-stderr env GIT_CEILING_DIRECTORIES=/ tare dual --build make -- ./prog
    expect stderr "$stderr" "tare: fast: './prog' is not in a git repository: build both yourself, and name them with --fast and --instrumented"
}

@test "JSON is as its schema says" {
    a_project
    tare dual --build 'make CFLAGS="$CFLAGS"' --keep kept --time 0.1 --modes fp -o built.json -- ./prog 100
    tare dual --fast ./prog --instrumented ./prog --time 0.1 -o given.json -- 100
    python "$here/check_result.py" schema "$source_dir/docs/dual.schema.json" built.json given.json
    sed -i 's/"fast"/"other"/' given.json
    run ! python "$here/check_result.py" schema "$source_dir/docs/dual.schema.json" given.json
}

@test "an interval of changes holds 0 %" {
    two_programs
    run -0 --separate-stderr tare dual --fast ./fast --instrumented ./fast --time 0.2 -- 1
    [[ $output != *"holds 1 "* ]]
}

@test "a build that does not heed the flags is told" {
    a_project
    run -0 --separate-stderr tare dual --build 'make CFLAGS=-O2' --time 0.1 -- ./prog 100
    expect output "$output" "*note: the instrumented build does not keep frame pointers: its command did not heed the flags*"
    # -O0 keeps frame pointers in both.
    run -0 --separate-stderr tare dual --build 'cc -o prog prog.c' --time 0.1 -- ./prog 100
    expect output "$output" "*note: the fast build has no debug information, which -g1 asks for: its command did not heed the flags*
note: the instrumented build has no debug information, *
note: the fast build keeps frame pointers, too: what they cost is not in the comparison

commands*"
    cc -g -o prog prog.c
    [ "$(tare doctor --format json ./prog | grep -c '"optimisation": "-O0"')" -ge 1 ] || skip "$(cc --version | head -n1) records no flags"
    run -0 --separate-stderr tare dual --build 'cc -g -o prog prog.c' --time 0.1 -- ./prog 100
    expect output "$output" "*note: nothing of the fast build was compiled with -O3, but with -O0: its command did not heed the flags*"
}

@test "what the compiler wrote down of its flags is shown of each build" {
    a_project
    cc -O1 -g1 -fno-omit-frame-pointer -o prog prog.c
    [ "$(tare doctor --format json ./prog | grep -c '"optimisation": "-O1"')" -ge 1 ] || skip "$(cc --version | head -n1) records no flags"
    run -0 --separate-stderr tare dual --fast ./prog --instrumented ./prog --time 0.1 -- 100
    expect output "$output" "*
    built by    GNU C*-g1 -O1 *-fno-omit-frame-pointer*
    frames *"
    run -0 --separate-stderr tare dual --fast ./prog --instrumented ./prog --time 0.1 --format json -- 100
    python -c 'import json, sys
for build in json.loads(sys.argv[1])["builds"]:
    assert build["compiler"].startswith("GNU C"), build
    assert {"-O1", "-g1", "-fno-omit-frame-pointer"} <= set(build["recorded_flags"].split()), build' "$output"
}

@test "sentences are wrapped to the terminal, commands are not" {
    a_project
    run -0 --separate-stderr on_terminal --columns 60 --stderr err tare dual --build make --time 0.1 -- ./prog 100
    expect output "$output" "*
note: each build is one of *
      *"
    ! grep -E '^(note:|    ).{57}' <<<"$output" || fail "wider than 60 columns"
    grep -q '^  tare bench .\{60\}' <<<"$output"
}

@test "a build that fails leaves nothing behind" {
    a_project
    run -2 --separate-stderr tare dual --build 'echo it cannot be >&2; false' --time 0.1 -- ./prog 100
    expect stderr "$stderr" "*tare: fast: *it cannot be*"
    rm -f "$(sed -n 's/^all of it is in //p' <<<"$stderr")"
    [ "$(git worktree list | wc -l)" -eq 1 ]
}

@test "profiling is measured in the modes that are asked for" {
    command -v cc >/dev/null || skip "no cc"
    [ -z "${TARE_SANITIZER:-}" ] || skip "a sanitizer takes libc's calls for itself"
    printf 'int main(void) { for (volatile int i = 0; i < 3000000; i++) { } return 0; }\n' >prog.c
    # shellcheck disable=SC2046
    cc $(tare flags --profile instrumented) -o prog prog.c
    run -0 --separate-stderr tare dual --fast ./prog --instrumented ./prog --modes built-in -F 199 --time 0.2 --format json
    python - "$output" <<'END'
import json, sys
r = json.loads(sys.argv[1])
mode, = r["modes"]
assert mode["mode"] == "built-in" and mode["frequency_hz"] == 199, mode
# 2 to 20 µs a sample, and 1 to 4 ms of the start
run_ns = r["benchmarks"][0]["instrumented"]["median_ns"]
assert abs(mode["expected_low"] - (1 + 199 * 2e-6 + 1e6 / run_ns)) < 1e-6, (mode, run_ns)
assert abs(mode["expected_high"] - (1 + 199 * 20e-6 + 4e6 / run_ns)) < 1e-6, (mode, run_ns)
assert (mode["ratio"] is None) == (mode["problem"] is not None), mode
assert mode["ratio"] is None or 0 < mode["low"] <= mode["ratio"] <= mode["high"], mode # how much is the machine's business
assert mode["command"].startswith("tare profile --mode built-in -F 199 --measure-overhead -- "), mode
END
}

@test "what is missing or does not go together" {
    two_programs
    run -2 tare dual
    expect output "$output" "tare: nothing to compare: *"
    run -2 tare dual --fast ./fast
    expect output "$output" "tare: only one build is given: *"
    run -2 tare dual --fast ./fast --instrumented ./instrumented --build make
    expect output "$output" "tare: --build makes both builds: *"
    run -2 tare dual --fast ./fast --instrumented ./instrumented --keep kept
    expect output "$output" "tare: --keep is for --build, *"
    run -2 tare dual --build make
    expect output "$output" "tare: no program: *"
    run -2 tare dual --fast ./fast --instrumented ./missing
    expect output "$output" "tare: cannot run './missing': No such file or directory"
    run -2 tare dual --modes fq --fast ./fast --instrumented ./instrumented
    expect output "$output" "tare: unknown mode 'fq': *"
    run -2 tare dual --fast ./fast --instrumented ./instrumented -o /nowhere/result.json
    expect output "$output" "tare: cannot create '/nowhere/result.json': *"
}
