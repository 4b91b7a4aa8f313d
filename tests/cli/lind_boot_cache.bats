#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lind-boot: what it makes of a cache in which something else is than it has put there, and of what killed processes have
# left; and how many descriptors it takes. What the cache is for is in lind_boot.bats.

load common
load lind_boot_helpers

# The entry of NAME.wasm, which is compiled.
entry_of() {
    local before
    mkdir -p "$LIND_CACHE"
    before=$(find "$LIND_CACHE" -name '*.so')
    lind-boot --compile "$1.wasm"
    find "$LIND_CACHE" -name '*.so' | grep -vxF "${before:-none}"
}

# hello.wasm runs, and says that it is compiled again; from then on it says nothing.
mended() {
    run -3 --separate-stderr timeout 60 lind-boot hello.wasm
    [ "$output" = hello ]
    [ "$stderr" = "lind-boot: what the cache had of 'hello.wasm' was damaged: it is compiled again" ]
    run -3 --separate-stderr timeout 60 lind-boot hello.wasm
    [ "$output" = hello ]
    [ "$stderr" = "" ]
}

# bin/cc, which runs the shell commands on standard input before it is cc.
replace_cc() {
    mkdir -p bin
    {
        echo '#!/bin/sh'
        cat
        printf 'exec %s "$@"\n' "$cc"
    } >bin/cc.new
    chmod +x bin/cc.new
    mv bin/cc.new bin/cc
}

@test "another module's entry under a module's name is not run" {
    boot_setup
    hello 3
    hello 4 other
    entry=$(entry_of hello)
    cp "$(entry_of other)" "$entry"
    mended
}

@test "whatever lies in the place of an entry is replaced" {
    boot_setup
    hello 3
    entry=$(entry_of hello)
    cp "$entry" elsewhere
    for kind in fifo socket directory link open; do
        rm -r "$entry"
        case $kind in
        fifo) mkfifo "$entry" ;;
        socket) (cd "$LIND_CACHE" && python -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "${entry##*/}") ;;
        directory) mkdir -p "$entry/below/more" && touch "$entry/below/file" ;;
        link) ln -s "$PWD/elsewhere" "$entry" ;;
        open) cp elsewhere "$entry" && chmod 666 "$entry" ;;
        esac
        mended
        [ -f "$entry" ]
    done
    [ -s elsewhere ]
}

@test "whatever lies where an entry is made is removed, and what links lead to is not" {
    boot_setup
    hello 3
    entry=$(entry_of hello)
    key=${entry##*/}
    build=$LIND_CACHE/build.${key%.so}
    mkdir kept
    touch kept/file
    for kind in file link directory deep; do
        rm "$entry"
        case $kind in
        file) touch "$build" ;;
        link) ln -s "$PWD/kept" "$build" ;;
        directory) mkdir -p "$build/below/more" && touch "$build/below/file" && ln -s "$PWD/kept" "$build/below/link" ;;
        deep) mkdir -p "$build/$(printf '%.0s1/' {1..100})" ;;
        esac
        run -3 --separate-stderr timeout 60 lind-boot hello.wasm
        [ "$output$stderr" = hello ]
        [ ! -e "$build" ]
        [ -f "$entry" ]
    done
    [ -e kept/file ]
}

@test "a lock that is no file is said, and the cache is done without" {
    boot_setup
    hello 3
    for kind in directory fifo link; do
        rm -rf "$LIND_CACHE"
        mkdir "$LIND_CACHE"
        case $kind in
        directory) mkdir "$LIND_CACHE/lock" ;;
        fifo) mkfifo "$LIND_CACHE/lock" ;;
        link) ln -s nowhere "$LIND_CACHE/lock" ;;
        esac
        run -125 timeout 60 lind-boot --cache "$LIND_CACHE" hello.wasm
        [ "$output" = "lind-boot: no cache directory '$(realpath "$LIND_CACHE")': 'lock' in it is no file: remove it" ]
    done
    run -125 lind-boot --cache /proc/nowhere hello.wasm
    [ "$output" = "lind-boot: no cache directory '/proc/nowhere': No such file or directory" ]
    run -3 --separate-stderr lind-boot hello.wasm
    [ "$output" = hello ]
    expect stderr "$stderr" "*: 'hello.wasm' is compiled for this run alone"
}

@test "an entry that cannot be loaded is compiled again; one that never can is not kept" {
    boot_setup
    hello 3
    cc=$(command -v cc)
    echo 'int gone;' | cc -shared -fPIC -x c - -o libgone.so
    replace_cc <<END
if [ -e "$PWD/libgone.so" ]; then set -- "\$@" -L"$PWD" -Wl,--no-as-needed,-rpath,"$PWD" -lgone; fi
END
    PATH=$PWD/bin:$PATH
    run -3 lind-boot hello.wasm
    [ "$output" = hello ]
    rm libgone.so
    mended
    [ "$(entries)" -eq 1 ]
    hello 4 other
    replace_cc <<<'echo nothing >m.so; exit'
    for _ in 1 2; do
        run -125 lind-boot other.wasm
        expect output "$output" "lind-boot: 'other.wasm' cannot be loaded: *"
        [ "${#lines[@]}" -eq 1 ]
        [ "$(entries)" -eq 1 ]
    done
}

@test "without a cache: what killed processes have left is removed, and nothing else" {
    boot_setup
    hello 3
    cc=$(command -v cc)
    mkfifo begun go
    replace_cc <<END
echo begun >"$PWD/begun"
read -r _ <"$PWD/go"
END
    export TMPDIR=$PWD/temporary
    mkdir -p temporary/lind-boot.backup temporary/lind-boot.other
    touch temporary/lind-boot.other/file
    PATH=$PWD/bin:$PATH lind-boot --no-cache hello.wasm >/dev/null 2>&1 3>&- &
    pid=$!
    started+=("$pid")
    read -r _ <begun
    left=$(find temporary -mindepth 1 -maxdepth 1 ! -name '*.backup' ! -name '*.other')
    [ -d "$left" ]
    kill -KILL "$pid"
    wait "$pid" || true
    [ -d "$left" ]
    PATH=$PWD/bin:$PATH lind-boot --no-cache hello.wasm >out 2>&1 3>&- &
    pid=$!
    started+=("$pid")
    read -r _ <begun
    [ ! -e "$left" ]
    # Another one leaves alone what is in use.
    run -3 --separate-stderr lind-boot --no-cache hello.wasm
    [ "$output$stderr" = hello ]
    echo >go
    code=0
    wait "$pid" || code=$?
    [ "$code" -eq 3 ]
    [ "$(cat out)" = hello ]
    [ "$(cd temporary && echo *)" = "lind-boot.backup lind-boot.other" ]
    [ -e temporary/lind-boot.other/file ]
    TMPDIR=$PWD/nowhere run -125 lind-boot --no-cache hello.wasm
    [ "$output" = "lind-boot: 'hello.wasm' cannot be compiled: no temporary directory: No such file or directory" ]
}

@test "a program has as many descriptors as a cage may have, whatever the soft limit is" {
    boot_setup
    hard=$(ulimit -Hn)
    [ "$hard" = unlimited ] || [ "$hard" -ge 1200 ] || skip "no more than $hard descriptors here (ulimit -Hn)"
    # pipe() until it fails; the error is the exit code.
    wat pipes <<'END'
(module
  (import "lind" "make_syscall" (func $call (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local i64)
    loop $l
      i64.const 22 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 call $call
      local.tee 0 i64.eqz br_if $l
    end
    i64.const 0 local.get 0 i64.sub i32.wrap_i64 call $exit))
END
    cc=$(command -v cc)
    replace_cc <<<"ulimit -Sn >'$PWD/limit'"
    PATH=$PWD/bin:$PATH
    (
        ulimit -Sn 100
        run -24 lind-boot pipes.wasm # EMFILE: the cage's
    )
    [ "$(cat limit)" = 100 ]
    (
        ulimit -n 100
        run -23 lind-boot pipes.wasm # ENFILE: the host's
    )
    greedy=$build_dir/libexec/tare/suites/syscalls/hostile/greedy_descriptors.wasm
    [ -e "$greedy" ] || skip "no clang with wasi-libc when this was built"
    run -0 lind-boot "$greedy"
    (
        ulimit -n 1024
        run -0 lind-boot "$greedy"
    )
}

@test "a full disk is said to be, and not an error of input and output" {
    boot_setup
    [ "$(id -u)" -eq 0 ] && unshare -m mount -t tmpfs none . 2>/dev/null || skip "no file system of our own can be mounted: only root may"
    hello 3
    mkdir small
    for how in 'lind-boot --cache small/cache hello.wasm' 'env TMPDIR="$PWD/small" lind-boot --no-cache hello.wasm'; do
        run -125 unshare -m sh -ec "mount -t tmpfs -o size=16k none small; exec $how"
        [ "$output" = "lind-boot: 'hello.wasm' cannot be compiled: No space left on device" ] || fail "$output"
    done
}
