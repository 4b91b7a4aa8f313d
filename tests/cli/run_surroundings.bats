#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare run: what it inherits, from whoever started it, and what the program gets of that.

load common

dispositions() { # of the program that "$@" starts: signals blocked, ignored and caught
    "$@" grep -E '^Sig(Blk|Ign|Cgt):' /proc/self/status 2>/dev/null | grep ^Sig
}

@test "the program gets the signals as we got them" {
    for way in '' --ignore-signal=CHLD,XFSZ,HUP,PIPE,INT --default-signal=CHLD,XFSZ,HUP,PIPE,INT --block-signal=USR1,CHLD; do
        expect "with '$way'" "$(dispositions env $way tare run)" "$(dispositions env $way)"
    done
}

@test "SIGCHLD ignored: the program's end is known all the same" {
    run -7 --separate-stderr env --ignore-signal=CHLD tare run scenes exit 7
    [ "$(calls scenes::step)" -eq 3 ]
    run -0 --separate-stderr env --ignore-signal=CHLD tare run --repeat 2 scenes exit 0
    [ "$(calls scenes::step)" -eq 6 ]
}

@test "a signal that was ignored when we were started is neither passed on nor an interruption" {
    start env --ignore-signal=HUP tare run scenes wait
    kill -HUP "$pid"
    kill -USR1 "$pid"
    read -r -t 30 line <&"$from_process"
    [ "$line" = "got 10" ]
    kill -TERM "$pid"
    output=$(rest)
    expect "the rest" "$output" "got 15*"
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "TARE_TIMERS and TARE_THREADS out of bounds, or nonsense" {
    for value in 99999999999999999999999 4294967296 18446744073709551615 65537 -1 0 many 12x; do
        TARE_TIMERS=$value TARE_THREADS=$value run -0 --separate-stderr timeout 20 tare run scenes exit 0
        [ "$(calls scenes::step)" -eq 3 ] || fail "with '$value'" "$output" "$stderr"
        for name in TARE_TIMERS TARE_THREADS; do
            [ "$(grep -c "^tare: warning: '$value' in $name is " <<<"$stderr")" -eq 1 ] || fail "with '$value'" "$stderr"
        done
    done
    TARE_TIMERS=65537 run -0 --separate-stderr tare run --repeat 2 scenes exit 0
    expect stderr "$stderr" "tare: warning: '65537' in TARE_TIMERS is more than there can be: there is room for 65536"
    TARE_TIMERS=100 TARE_THREADS=4096 run -0 --separate-stderr tare run scenes exit 0
    [ -z "$stderr" ]
}

@test "--libc: a path that LD_PRELOAD cannot hold is said before the program runs" {
    needs_preload
    for folder in 'a folder' 'a:folder'; do
        mkdir -p "$folder/bin" "$folder/lib"
        cp "$build_dir/bin/tare" "$folder/bin/"
        cp "$build_dir"/lib/libtare*.so* "$folder/lib/"
        LD_LIBRARY_PATH=$build_dir/lib run -125 "$folder/bin/tare" run --libc touch it-ran
        expect output "$output" "tare: '*/$folder/lib/libtare-libc.so' has a space or a colon in its path, *"
        [ ! -e it-ran ]
    done
}
