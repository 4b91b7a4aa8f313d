#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The suite `syscalls`: its programs compute the right thing natively and in the sandbox, and programs that do real work say
# the same in both, to the byte. What the figures are is no matter here: others may use the machine.

load common

setup_file() {
    # Compiled modules are kept for all tests of this file; the first to use one compiles it.
    export LIND_CACHE=$BATS_FILE_TMPDIR/cache
}

# The folder of the suite's programs, as the command finds them.
programs() {
    echo "$build_dir/libexec/tare/suites/syscalls"
}

sandbox_or_skip() {
    [ -x "$build_dir/bin/lind-boot" ] && [ -e "$(programs)/work.wasm" ] && [ -x "$(programs)/sandboxed" ] ||
        skip "nothing to run in a sandbox: install clang lld wasi-libc libclang-rt-14-dev-wasm32, and build again"
    command -v wasm2c >/dev/null || skip "no wasm2c: install wabt"
    command -v cc >/dev/null || skip "no C compiler"
}

# same PROGRAM ARGUMENT...: natively in the folder `here`, sandboxed with the folder `there` as its root; output, errors,
# exit code and all files are the same. Standard input is the file `input`, if there is one.
same() {
    local program=$1 code_here=0 code_there=0 input=/dev/null
    shift
    [ ! -e input ] || input=$PWD/input
    [ -d here ] || mkdir here there
    (cd here && exec env -i PLACE=somewhere "$(programs)/real/$program" "$@") <"$input" >here.out 2>here.err || code_here=$?
    lind-boot --dir there --env PLACE=somewhere "$(programs)/real/$program.wasm" "$@" <"$input" >there.out 2>there.err || code_there=$?
    [ "$code_here" -eq "$code_there" ] || fail "exit codes: $code_here and $code_there" "$(cat here.err there.err)" || return
    cmp here.out there.out && cmp here.err there.err && diff -r here there
}

@test "both sides have the same benchmarks, and each of them is in the suite's table" {
    run -0 --separate-stderr "$(programs)/native" --list
    local native=$output
    [ -n "$native" ]
    if [ -x "$(programs)/sandboxed" ]; then
        run -0 --separate-stderr "$(programs)/sandboxed" --list
        [ "$output" = "$native" ]
    fi
    while read -r name; do
        grep -q "bench = \"${name%%/*}\"" "$source_dir"/suites/syscalls/about_*.c || fail "'$name' is in no table" || return
    done <<<"$native"
    for name in $(sed -n 's/.*\.bench = "\([a-z_]*\)".*/\1/p' "$source_dir"/suites/syscalls/about_*.c); do
        grep -Eq "^$name(/|$)" <<<"$native" || fail "no program has '$name'" || return
    done
}

@test "natively every workload finds what it checks to be right" {
    run -0 --separate-stderr "$(programs)/native" --time 0.005
    [ "$stderr" = "" ]
    [ -n "$output" ]
}

@test "in the sandbox every workload finds what it checks to be right, and the layers see it" {
    sandbox_or_skip
    run -0 --separate-stderr "$(programs)/sandboxed" --time 0.005
    [ "$stderr" = "" ]
    grep -q 'timer lind_common::add_to_linker::make-syscall: 1.00 calls' <<<"$output"
    grep -q 'timer threei::make_syscall: 1.00 calls' <<<"$output"
    grep -q 'timer rawposix::geteuid_syscall: 1.00 calls' <<<"$output"
    grep -q 'timer fdtables::close_virtualfd: 1.00 calls' <<<"$output"
    grep -q 'timer threei::copy_data_between_cages: 1.00 calls' <<<"$output" # the grate with files in memory
}

# Files of this name that were not there before, where others may make some at any time, too.
left_behind() {
    find /dev/shm "${TMPDIR:-/tmp}" -maxdepth 1 -name 'tare-syscalls*' 2>/dev/null | sort >after
    [ "$(comm -13 before after | wc -l)" -ne 0 ]
}

nothing_left() {
    ! left_behind
}

@test "nothing is left behind where files are made" {
    : >before
    left_behind || true
    mv after before
    run -0 "$(programs)/native" --time 0.001 --filter 'pread*,pwrite*'
    if [ -x "$(programs)/sandboxed" ] && command -v wasm2c >/dev/null; then
        run -0 "$(programs)/sandboxed" --time 0.001 --filter 'pread*,pwrite*'
    fi
    await nothing_left
}

@test "what a process left that was killed between making a file and removing its name is removed by the next" {
    local left=${TMPDIR:-/tmp}/tare-syscalls.000
    [ ! -w /dev/shm ] || left=/dev/shm/tare-syscalls.000
    : >"$left" || skip "'$left' is somebody else's"
    run -0 "$(programs)/native" --time 0.001 --filter 'pread/1,pread_wasi/1'
    [ ! -e "$left" ]
    if [ -x "$(programs)/sandboxed" ] && command -v wasm2c >/dev/null; then
        : >"$left"
        run -0 "$(programs)/sandboxed" --time 0.001 --filter 'pread/1,pread_wasi/1'
        [ ! -e "$left" ]
    fi
}

# The sandboxed one makes the native one's call, too: what it takes less is noise.
@test "a call is not faster through the sandbox than without, but for noise, nor does it take a hundred times as long" {
    sandbox_or_skip
    "$(programs)/sandboxed" --list >/dev/null
    run --separate-stderr tare bench "$(programs)/native" --vs "$(programs)/sandboxed" --filter 'null_call' \
        --time 1 --no-counts -o result.json
    [ "$status" -eq 0 ] || [ "$status" -eq 1 ] || [ "$status" -eq 3 ] # a verdict, whichever
    python - <<'END'
import json
arms = {arm["label"]: arm for arm in json.load(open("result.json"))["bench"]["benchmarks"][0]["arms"]}
ratio = arms["B"]["summary"]["median_ns"] / arms["A"]["summary"]["median_ns"]
assert 0.9 < ratio < 100, ratio
END
}

@test "calls: a million times, with errors for what it does not know" {
    run -0 --separate-stderr "$(programs)/calls" close_bad 1000
    expect output "$output" "close_bad: 1000 times, * ns each"
    run -2 --separate-stderr "$(programs)/calls" no_such_call
    expect stderr "$stderr" "usage: calls [WORKLOAD [N]]; workloads: null_call *"
    run -2 --separate-stderr "$(programs)/calls" null_call 0
    run -2 --separate-stderr "$(programs)/calls" null_call 1x
    sandbox_or_skip
    run -0 --separate-stderr lind-boot "$(programs)/calls.wasm"
    expect output "$output" "close_bad: 1000000 times, * ns each"
}

@test "compression is the same in the sandbox, there and back" {
    sandbox_or_skip
    mkdir here there
    cat "$source_dir"/result/*.c >here/text
    head -c 70000 "$(command -v tare)" >here/program
    : >here/empty
    printf 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' >here/letters
    cp here/* there
    for file in text program empty letters; do
        same compress "$file" "$file.packed"
        same compress -d "$file.packed" "$file.back"
        cmp "here/$file" "here/$file.back"
    done
    [ "$(stat -c %s here/text.packed)" -lt $(($(stat -c %s here/text) / 2)) ]
    printf 'TC1\n' >here/damaged
    head -c 400 here/text.packed >here/cut
    cp here/damaged here/cut there
    same compress -d damaged out
    same compress -d cut out
    same compress missing out
    same compress
}

@test "a document is read and written the same in the sandbox" {
    sandbox_or_skip
    cp "$source_dir/docs/result.schema.json" input
    same json
    [ "$(wc -l <here.out)" -gt 100 ]
    echo '{"b":[1,2.5,-1e10,"x\u00e9\ud83d\ude00\n"],"a":{},"c":null,"a":[true,false,[]], "small":1e-300, "third":0.333333333333333333}' >input
    same json
    grep -q '0.33333333333333331' here.out
    local text
    for text in '' '{' '[1,]' '{"a"}' '"\x"' '"\ud800"' '1 2' 'nul' '"a' '1e999' "$(printf '[%.0s' {1..300})"; do
        printf '%s' "$text" >input
        same json
        [ -s here.err ]
    done
}

@test "arguments, environment, files, folders and clocks are the same in the sandbox" {
    sandbox_or_skip
    mkdir -p here/folder/below there/folder/below
    cp "$source_dir/README.md" here/text
    printf 'no newline\nat the end' >here/folder/short
    echo hidden >here/folder/below/.hidden
    cp -r here/. there
    same lines count text folder/short missing
    same lines find '^#.*t.*e' text folder/short
    same lines find 'at the *end$' folder/short
    same lines sort text sorted
    LC_ALL=C sort here/text | cmp - here/sorted
    same lines tree .
    same lines tree missing
    same lines environment PLACE NOTHING
    same lines clock
    same lines "an argument with blanks" $'and a\nnewline' ''
    same lines
}

@test "a grate between: the same, and with files in memory nothing reaches the folder" {
    sandbox_or_skip
    mkdir here there
    cp "$source_dir/README.md" here/text
    cp here/text there
    run -0 --separate-stderr lind-boot --dir there --grate "$(programs)/grate_noop.wasm" "$(programs)/real/lines.wasm" sort text sorted
    [ "$output" = "$(wc -l <here/text) lines" ]
    LC_ALL=C sort here/text | cmp - there/sorted
    rm there/sorted
    run -0 --separate-stderr lind-boot --dir there --grate "$(programs)/grate_memory.wasm" "$(programs)/real/lines.wasm" sort text sorted
    [ "$output" = "$(wc -l <here/text) lines" ]
    [ "$(ls there)" = text ]
    run -0 --separate-stderr lind-boot --dir there --grate "$(programs)/grate_memory.wasm" --grate "$(programs)/grate_noop.wasm" \
        "$(programs)/real/compress.wasm" text packed
    [ "$(ls there)" = text ]
}

@test "programs of others, from Debian's sources: sqlite3 and zlib's minigzip" {
    sandbox_or_skip
    local real=${TARE_SUITE_PROGRAMS:-$source_dir/build/suite-programs} code=0
    mkdir -p "$real"
    # One builds them, and others wait for that. What is there is not made again.
    timeout 400 flock "$real/lock" "$source_dir/suites/syscalls/programs/real/build.sh" "$real" 2>build.err || code=$?
    [ "$code" -ne 77 ] || skip "$(tail -n 1 build.err)"
    [ "$code" -ne 124 ] || skip "their sources were not here, or not compiled, within 400 s"
    [ "$code" -eq 0 ] || fail "$(cat build.err)" || return
    mkdir here there
    cat >input <<'END'
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
    insert into t select i, printf('row %05d', (i * 7919) % 2000), i / 7.0 from n;
create index tb on t(b);
select count(*), sum(a), round(avg(c), 6), min(b), max(b) from t;
select a, b from t where b like 'row 0012%' order by b desc limit 5;
begin; delete from t where a % 3 = 0; rollback; select count(*) from t;
begin; delete from t where a % 3 = 0; commit; select count(*) from t;
vacuum;
pragma integrity_check;
select nothing;
END
    local code_here=0 code_there=0
    (cd here && exec "$real/sqlite3" -batch base.db) <input >here.out 2>here.err || code_here=$?
    lind-boot --dir there "$real/sqlite3.wasm" -batch base.db <input >there.out 2>there.err || code_there=$?
    [ "$code_here" -eq "$code_there" ]
    cmp here.out there.out
    grep -q '^2000|2001000|' here.out
    grep -q '^ok$' here.out
    cmp here/base.db there/base.db
    rm here/* there/*
    cat "$source_dir"/result/*.c >input
    "$real/minigzip" <input >here/packed
    lind-boot --dir there "$real/minigzip.wasm" <input >there/packed
    cmp here/packed there/packed
    gzip -dc there/packed | cmp - input
    lind-boot --dir there "$real/minigzip.wasm" -d <there/packed | cmp - input
}

@test "run_microbench.sh runs them all" {
    sandbox_or_skip
    TARE_BIN_DIR=$build_dir/bin run -0 --separate-stderr "$source_dir/scripts/run_microbench.sh" --quick --filter 'close_bad' --time 0.2 --budget none
    grep -Eq '^close_bad +[0-9.]+ +[0-9.]+ +[0-9.]+$' <<<"$output"
    grep -Eq '^clock_wasi +[0-9.]+ +[0-9.]+ +[0-9.]+$' <<<"$output"
    grep -Eq '^fdtables::close_virtualfd +100[0-9]* ' <<<"$output" # by lind-perf's report
    grep -q 'lind-common' <<<"$output"                              # by the suite's
    TARE_BIN_DIR=$PWD run -2 --separate-stderr "$source_dir/scripts/run_microbench.sh"
    expect stderr "$stderr" "run_microbench: no '*/tare', build it first with 'make PROFILE=fast'"
}

@test "why the sandbox could not start is the reason of the failure" {
    sandbox_or_skip
    unset LIND_CACHE
    mkdir -p bad/tare/wasm
    chmod 0777 bad/tare/wasm
    XDG_CACHE_HOME=$PWD/bad run -1 tare suite syscalls --filter null_call --time 0.02 --no-counts --no-lock -o r.json
    python -c 'import json
arms = {a["label"]: a for a in json.load(open("r.json"))["bench"]["benchmarks"][0]["arms"]}
why = arms["sandboxed"]["failure"]
assert why.startswith("cache directory ") and why.endswith("can be written by others: '"'chmod go-w'"' it"), why
'
}

@test "a ratio has a 95 % interval of its own, and no comparison is over before it is narrow" {
    sandbox_or_skip
    run -0 tare suite syscalls --quick --filter 'null_call,close_bad,fd_fill' --no-lock --budget none -o r.json
    python -c 'import json
bench = json.load(open("r.json"))["bench"]
assert bench["settings"]["alpha"] == 0.05 and len(bench["benchmarks"]) == 3, bench["settings"]
for one in bench["benchmarks"]:
    assert one["contamination"]["rounds"] >= 10, one["contamination"]
    found = one["comparisons"][0]
    if found["decided_early"]:
        half = max(found["high"] - found["ratio"], found["ratio"] - found["low"]) / found["ratio"]
        assert half <= 0.0201, found
'
}

@test "each benchmark whose layers cannot be told apart is named with the reason" {
    sandbox_or_skip
    run -0 tare suite syscalls --filter 'null_call,*_pingpong' --time 0.02 --no-counts --no-lock --budget none
    expect note "$output" "*  pipe_pingpong, socket_pingpong: unknown: two parties wait for one another*"
    [[ $(grep '^socket_pingpong' <<<"$output" | tail -n 1) =~ ^socket_pingpong\ +- ]] || fail "$output"
}
