#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare run: what passes through to the program and back, how it ends, and what is measured of it.

load common

@test "the program's exit code is passed on" {
    for code in 0 1 77 124 127 255; do
        run -"$code" tare run scenes exit "$code"
        [ "$(calls scenes::step)" -eq 3 ]
    done
}

@test "a program killed by a signal gives 128 + N, and its table" {
    not_with_sanitizer "it has a handler of its own for SIGSEGV"
    for signal in 9 11 6 15; do
        run -$((128 + signal)) --separate-stderr tare run scenes die "$signal"
        [ "$(calls scenes::step)" -eq 5 ]
        expect stderr "$stderr" "tare: 'scenes' was killed by signal $signal (*): what it had counted until then follows"
        expect "the table" "$output" "*note: killed by signal $signal (SIG*); the table holds what was counted until then*"
    done
}

@test "a signal that tare gets goes to the program, which decides" {
    start env --default-signal=INT tare run scenes wait # the shell has it ignored in what it starts in the background
    kill -USR1 "$pid"
    read -r -t 30 line <&"$from_process"
    [ "$line" = "got 10" ]
    kill -USR2 "$pid"
    read -r -t 30 line <&"$from_process"
    [ "$line" = "got 12" ]
    kill -INT "$pid"
    read -r -t 30 line <&"$from_process"
    [ "$line" = "got 2" ]
    kill -TERM "$pid"
    output=$(rest)
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 9 ]
    expect "the rest" "$output" "got 15*"
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "a signal that ends the program ends tare with its table" {
    start tare run scenes sleep
    kill -TERM "$pid"
    output=$(rest)
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 143 ]
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "Ctrl-C ends the program, and the table is printed" {
    run -130 on_terminal --at ready ^C tare run scenes sleep
    [ "$(calls scenes::step)" -eq 2 ]
    expect output "$output" "*was killed by signal 2 (Interrupt)*note: killed by signal 2 (SIGINT)*"
}

@test "Ctrl-C reaches the program once, which need not end" {
    again=(--at "got 2" ^C)
    run -9 on_terminal --at ready ^C "${again[@]}" "${again[@]}" "${again[@]}" --at "got 2" '^\' tare run scenes wait
    expect output "$output" "*SIGINT came 4 times*"
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "Ctrl-C among the exclusive passes: what there is is printed, and that passes are missing" {
    cat >slow.sh <<'END'
#!/bin/sh
if [ ! -e second ]; then
    touch second
    exec scenes exit 0
fi
echo ready >&2
exec scenes sleep >&2
END
    chmod +x slow.sh
    run -130 on_terminal --at ready ^C tare run --exclusive ./slow.sh
    [ "$(calls scenes::step)" -eq 3 ]
    expect output "$output" "*note: interrupted: this is what there was until then*"
}

@test "the time limit ends what the program has started, too" {
    run -124 --separate-stderr tare run --timeout 0.2 sh -c 'sleep 987 & echo $! >pid; wait'
    [ -s pid ]
    # It is gone, or waits for somebody to ask how it ended.
    [ ! -e "/proc/$(<pid)/stat" ] || [[ $(<"/proc/$(<pid)/stat") == *") Z "* ]]
}

@test "the time limit: SIGTERM, and exit code 124" {
    run -124 --separate-stderr tare run --timeout 0.1 scenes sleep
    [ "$(calls scenes::step)" -eq 2 ]
    [ "$stderr" = "tare: 'scenes' was ended after 0.1 s: what it had counted until then follows" ]
    expect output "$output" "*note: stopped by the timeout with signal 15 (SIGTERM)*"
    run -124 tare run --timeout 0.1 scenes wait
    expect output "$output" "*got 15*note: stopped by the timeout; *"
}

@test "the time limit: SIGKILL two seconds later, for who ignores SIGTERM" {
    run -124 tare run --timeout 0.1 scenes stubborn
    [ "$(calls scenes::step)" -eq 2 ]
    expect output "$output" "*note: stopped by the timeout with signal 9 (SIGKILL)*"
}

@test "a program that ends in time is left alone by the time limit" {
    run -3 tare run --timeout 60 scenes exit 3
}

@test "standard input, output and error pass through" {
    printf 'one\ntwo\n' >in
    run -0 --separate-stderr tare run cat <in
    [ "$output" = $'one\ntwo' ]
    run -0 --separate-stderr bash -c 'printf "one\ntwo\n" | tare run wc -l'
    [ "$output" = 2 ]
    run -4 --separate-stderr tare run sh -c 'echo out; echo err >&2; exit 4'
    [ "$output" = out ]
    [ "${stderr_lines[0]}" = err ]
}

@test "arguments and environment pass through" {
    GREETING=hello run -0 --separate-stderr tare run sh -c 'echo "$GREETING/$1/$#"' -- 'a  b' ''
    [ "$output" = "hello/a  b/2" ]
    TARE=off TARE_ENABLE=nothing run -0 tare run scenes exit 0
    [ "$(calls scenes::step)" -eq 3 ]
}

@test "the program is found through PATH, and by a path" {
    run -0 tare run scenes exit 0
    run -0 tare run "$build_dir/tests/programs/scenes" exit 0
    cd "$build_dir/tests/programs"
    run -0 tare run ./scenes exit 0
}

@test "--only enables what matches, and patterns add up" {
    run -0 tare run --all --only 'threads::l*' threads
    [ "$(calls threads::locked)" -eq 80000 ]
    [ "$(calls threads::deposit)" -eq 0 ]
    run -0 tare run --all --only threads::locked --only 'thr*::dep*' threads
    [ "$(calls threads::locked)" -eq 80000 ]
    [ "$(calls threads::deposit)" -eq 80000 ]
}

@test "--repeat adds the passes up, and only the first one prints" {
    run -0 --separate-stderr tare run --repeat 3 hello
    [ "$(grep -c 'prime number' <<<"$output")" -eq 1 ]
    [ "$(calls hello::next_prime)" -eq 30000 ]
}

@test "--exclusive measures every called timer once more, alone" {
    run -0 --separate-stderr tare run --exclusive --format json -o result.json nested
    [ "$output" = "sorted 2000 values 20 times, 0 out of order" ]
    python - <<'END'
import json
result = json.load(open("result.json"))
names = {timer["name"] for timer in result["timers"]}
assert names == {"sort", "quicksort", "compare"}, names
assert [p["only"] for p in result["passes"]].count(None) == 1, result["passes"]
assert {p["only"] for p in result["passes"][1:]} == {"nested::" + name for name in names}, result["passes"]
for timer in result["timers"]:
    assert timer["exclusive"]["calls"] == timer["figures"]["calls"], timer
    own = timer["figures"]["calls"] - timer["figures"]["outermost_calls"]
    assert timer["exclusive"]["scopes_within"] == own, timer  # nothing else was enabled
END
}

@test "standard input that can be rewound is there for every pass" {
    printf 'a\nb\nc\n' >in
    run -0 --separate-stderr tare run --exclusive --repeat 2 --columns name,calls,exclusive-net scenes lines <in
    [ "$(calls scenes::line)" -eq 6 ]
    expect output "$output" $'a\nb\nc\n*'
    [[ $output != *"note: standard input"* ]]
    [[ $(awk '$1 == "scenes::line" { print $3 }' <<<"$output") != - ]]
}

@test "standard input that cannot be rewound is there for the first pass, and it is said" {
    for option in --repeat=2 --exclusive; do
        run -0 --separate-stderr bash -c "printf 'a\nb\nc\n' | tare run $option scenes lines"
        [ "$(calls scenes::line)" -eq 3 ]
        expect output "$output" "*note: standard input cannot be read twice: all passes but the first got an empty one*"
    done
}

@test "a program that was killed gets no exclusive passes, and it is said" {
    run -137 tare run --exclusive scenes die 9
    expect output "$output" "*note: no exclusive passes were made, as the program did not end by itself*"
}

@test "children are counted with their parent, killed ones as well" {
    run -0 tare run scenes children 5
    [ "$(calls scenes::step)" -eq 21 ]
    run -0 tare run --per-process --format csv scenes children 5
    [ "$(grep -c ',scenes,step,4,4,' <<<"$output")" -eq 5 ]
    [ "$(grep -c ',scenes,step,1,1,' <<<"$output")" -eq 1 ]
}

@test "what runs on when the program has ended is counted until then" {
    # The one left behind takes no part in our output, which would otherwise wait for it.
    run -0 tare run sh -c 'mkfifo ready; scenes sleep >ready 2>&1 & echo $! >pid; read -r word <ready'
    started+=("$(cat pid)")
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "--per-process shows each process" {
    run -0 tare run --per-process scenes children 2
    [ "$(grep -c "^== pid [0-9]*: .*/scenes, " <<<"$output")" -eq 3 ]
    [ "$(grep -c "^scenes::step " <<<"$output")" -eq 3 ]
}

@test "--pin keeps the program on its processor" {
    run -0 --separate-stderr tare run --pin 0 sh -c 'grep Cpus_allowed_list /proc/self/status'
    [ "${lines[0]}" = $'Cpus_allowed_list:\t0' ]
}

@test "--clock chooses the clock, and the table says which" {
    run -0 tare run --clock clock scenes exit 0
    expect output "$output" $'*\nclock clock, 1000.0 MHz*'
    if tare info --format json | grep -q '"tsc'; then
        run -0 tare run --clock tsc scenes exit 0
        expect output "$output" $'*\nclock tsc, *'
    fi
}

@test "--no-histogram leaves the percentiles unknown" {
    run -0 tare run --no-histogram --columns name,calls,p50,p99 scenes exit 0
    [ "$(awk '$1 == "scenes::step" { print $2, $3, $4 }' <<<"$output")" = "3 - -" ]
    run -0 tare run --columns name,calls,p50 scenes exit 0
    [ "$(awk '$1 == "scenes::step" { print $3 }' <<<"$output")" != - ]
}

@test "--libc times a program that nobody instrumented" {
    needs_preload
    not_with_sanitizer "it does not start behind another preloaded library"
    run -0 --separate-stderr tare run --libc plain
    [ "$(calls libc::write)" -eq 10 ]
    run -0 --separate-stderr tare run --libc --only libc::write scenes exit 0
    [ -z "$(calls scenes::step)" ]
}

@test "--libc and a statically linked program: said before it runs" {
    needs_preload
    [ -e "$build_dir/tests/programs/plain_static" ] || skip "static programs cannot be linked here"
    run -125 tare run --libc plain_static
    expect output "$output" "tare: '*/plain_static' is statically linked: its calls of libc cannot be intercepted; *"
    run -0 --separate-stderr tare run plain_static
    expect stderr "$stderr" "*it does not use libtare, and its calls of libc cannot be timed, as it is statically linked"
}

@test "--libc keeps what else is preloaded" {
    needs_preload
    not_with_sanitizer "it does not start behind another preloaded library"
    LD_PRELOAD=$build_dir/lib/libtare.so.0 run -0 --separate-stderr tare run --libc sh -c 'echo "$LD_PRELOAD"'
    expect output "${lines[0]}" "*/libtare-libc.so:$build_dir/lib/libtare.so.0"
}

@test "-o: the suffix decides on the format, unless --format does" {
    for suffix in json csv md txt; do
        run -0 --separate-stderr tare run -o "result.$suffix" scenes exit 0
        [ -z "$output" ]
    done
    expect json "$(<result.json)" '{*"schema": "tare-result"*}'
    expect csv "$(<result.csv)" "module,name,calls,*scenes,step,3,*"
    expect markdown "$(<result.md)" "| name |*| scenes::step | 3 |*"
    expect table "$(<result.txt)" "*--SCENES--*scenes::step  *3 *"
    run -0 tare run --format csv --output other.json scenes exit 0
    expect csv "$(<other.json)" "module,name,calls,*"
    run -0 tare run --output=- --format=csv scenes exit 0
    expect csv "$output" "module,name,calls,*"
}

@test "-o: the file is there whole or not at all, and nothing beside it" {
    umask 027
    run -0 tare run -o result.json nested
    [ "$(stat -c %a result.json)" = 640 ]
    # A file may be 1 KiB long: the write fails in the middle.
    echo old >copy.json
    run -2 --separate-stderr bash -c 'ulimit -f 1; trap "" XFSZ; tare report -o copy.json result.json'
    expect stderr "$stderr" "tare: cannot write 'copy.json': File too large"
    [ "$(<copy.json)" = old ]
    [ "$(ls)" = $'copy.json\nresult.json' ]
}

@test "-o: what cannot be written is said before the program runs" {
    run -125 --separate-stderr tare run -o missing/result.json touch ran
    [ ! -e ran ]
    expect stderr "$stderr" "tare: cannot create 'missing/result.json': No such file or directory"
}

@test "-o: a pipe is written to directly" {
    run -0 bash -c 'tare run -o >(cat >copy.csv) --format csv scenes exit 0; wait $!'
    await test -s copy.csv
    mkfifo pipe
    cat pipe >copy2.csv 3>&- &
    run -0 tare run -o pipe --format csv scenes exit 0
    wait $!
    expect csv "$(<copy2.csv)" "module,name,calls,*scenes,step,3,*"
    [ -p pipe ]
}

@test "standard output closed: a message and a code, and nothing else is written to" {
    run -125 bash -c 'tare run scenes exit 0 2>&1 >&-'
    [ "$output" = "tare: cannot write to standard output: Bad file descriptor" ]
    run -0 bash -c 'tare run -o result.csv scenes exit 0 >&- <&-'
    [ -z "$output" ]
    expect csv "$(<result.csv)" "module,name,calls,*scenes,step,3,*"
    run -1 bash -c 'tare run sh -c "echo text" 2>/dev/null >&-' # it is closed for the program, too
}

@test "standard output full: a message and a code" {
    for format in table json csv markdown; do
        run -125 bash -c "tare run --format $format scenes exit 0 2>&1 >/dev/full"
        [ "$output" = "tare: cannot write to standard output: No space left on device" ]
    done
}

@test "no other process's doings are waited for, and no descriptor of tare's reaches the program" {
    run -0 --separate-stderr tare run sh -c 'ls -l /proc/$$/fd'
    [[ $output != *tare-set* ]] || fail "$output"
}

@test "more timers than there is room for: counted as lost, and it is said" {
    TARE_TIMERS=2 run -0 tare run scenes exit 0
    expect output "$output" "*note: 2 instruments did not fit and were not counted: set TARE_TIMERS (up to 65536)*"
}
