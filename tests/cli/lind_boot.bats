#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lind-boot: programs in cages, the cache of what was compiled of them, and modules that do what they should not.

load common
load lind_boot_helpers

# c NAME [OPTION...]: NAME.wasm from C on standard input.
c() {
    local name=$1
    shift
    cat >"$name.c"
    clang=$(compgen -c clang | grep -xE 'clang(-[0-9]+)?' | sort | head -1)
    [ -n "$clang" ] || skip "no clang: package clang"
    "$clang" --target=wasm32-wasi -O2 "$@" "$name.c" -o "$name.wasm" 2>compile.err ||
        skip "no WebAssembly from clang: packages lld wasi-libc libclang-rt-14-dev-wasm32"
}

# Programs

@test "a program has its arguments, its environment, its input and its exit code" {
    boot_setup
    c program <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char line[100] = "";
    fgets(line, sizeof(line), stdin);
    printf("%d %s %s %s %s", argc, argv[1], argv[2], getenv("COLOUR"), line);
    fprintf(stderr, "%s\n", getenv("HOME") == NULL ? "no HOME" : "HOME");
    return 42;
}
END
    run -42 --separate-stderr lind-boot --env COLOUR=green program.wasm --perf "two words" <<<"from outside"
    [ "$output" = "3 --perf two words green from outside" ]
    [ "$stderr" = "no HOME" ]
}

@test "its files are those below its root, and there is no way out" {
    boot_setup
    c files <<'END'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void look(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[100] = "";
    if (file != NULL) {
        fgets(line, sizeof(line), file);
        fclose(file);
    }
    printf("%s: %s\n", path, file != NULL ? line : "no");
}
int main(void)
{
    FILE *file = fopen("made", "w");
    struct stat stat_of;
    fprintf(file, "0123456789");
    fclose(file);
    stat("made", &stat_of);
    printf("%d %d\n", (int)stat_of.st_size, S_ISREG(stat_of.st_mode));
    int fd = open("made", O_RDWR);
    char text[4] = "";
    pwrite(fd, "ab", 2, 4);
    pread(fd, text, 3, 3);
    printf("%s %d\n", text, (int)lseek(fd, 0, SEEK_END));
    mkdir("sub", 0777);
    rename("made", "sub/moved");
    int count = 0;
    DIR *directory = opendir("sub");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += strcmp(entry->d_name, "moved") == 0 && entry->d_type == DT_REG;
    }
    printf("%d\n", count);
    look("/sub/moved");
    look("../secret");
    look("/../secret");
    look("link");
    look("sub/../../secret");
    look("/etc/passwd");
    printf("%d %d\n", unlink("sub/moved"), rmdir("sub"));
    return 0;
}
END
    mkdir root
    echo secret >secret
    ln -s "$PWD/secret" root/link
    run -0 lind-boot --dir root files.wasm
    [ "$output" = "10 1
3ab 10
1
/sub/moved: 0123ab6789
../secret: no
/../secret: no
link: no
sub/../../secret: no
/etc/passwd: no
0 0" ]
    [ "$(ls root)" = link ]
}

@test "time passes, chance is different, and waiting ends" {
    boot_setup
    c time <<'END'
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
    struct timespec before, after;
    unsigned char one[8] = {0}, two[8] = {0};
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double passed = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    getentropy(one, 8);
    getentropy(two, 8);
    int same = 1;
    for (int i = 0; i < 8; i++) {
        same &= one[i] == two[i];
    }
    struct pollfd fds = {.fd = 0, .events = POLLIN};
    printf("%d %d %d %d\n", passed >= 0.02, time(NULL) > 1600000000, same, poll(&fds, 1, 5000));
    return 0;
}
END
    run -0 lind-boot time.wasm <<<x
    [ "$output" = "1 1 0 1" ]
}

@test "a wait that is longer than any clock does not end at once" {
    boot_setup
    wat waits <<'END'
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\10\00\00\00\06\00\00\00waits\n")
  (data (i32.const 24) "ends\n")
  (data (i32.const 32) "\18\00\00\00\05\00\00\00")
  (data (i32.const 112) "\01\00\00\00\00\00\00\00\ff\ff\ff\ff\ff\ff\ff\ff") ;; the monotonic clock, and how long
  (func (export "_start")
    i32.const 1 i32.const 8 i32.const 1 i32.const 4 call $write drop
    i32.const 96 i32.const 256 i32.const 1 i32.const 4 call $poll drop
    i32.const 1 i32.const 32 i32.const 1 i32.const 4 call $write drop))
END
    mkfifo fifo
    lind-boot waits.wasm >fifo 3>&- &
    pid=$!
    exec 4<fifo
    read -r line <&4
    [ "$line" = waits ]
    code=0
    read -r -t 1 line <&4 || code=$?
    kill "$pid"
    exec 4<&-
    [ "$code" -gt 128 ] # nothing came
}

# The cache

@test "a module is compiled once; another one has an entry of its own" {
    boot_setup
    hello 3
    hello 4 other
    run -3 --separate-stderr lind-boot hello.wasm
    [ "$output" = hello ]
    [ "$stderr" = "" ]
    [ "$(entries)" -eq 1 ]
    before=$(find "$LIND_CACHE" -name '*.so' -printf '%i')
    cp hello.wasm copy.wasm
    run -3 lind-boot copy.wasm
    [ "$(find "$LIND_CACHE" -name '*.so' -printf '%i')" = "$before" ]
    run -0 lind-boot --compile other.wasm
    [ "$output" = "" ]
    [ "$(entries)" -eq 2 ]
    run -4 lind-boot --no-cache other.wasm
    [ "$(entries)" -eq 2 ]
    [ "$(stat -c %a "$LIND_CACHE")" = 700 ]
}

@test "an entry that is damaged or cut is compiled again, and said so in a line" {
    boot_setup
    hello 3
    lind-boot --compile hello.wasm
    entry=$(find "$LIND_CACHE" -name '*.so')
    size=$(stat -c %s "$entry")
    for damage in middle cut empty; do
        case $damage in
        middle) printf 'X' | dd of="$entry" bs=1 seek=$((size / 2)) conv=notrunc status=none ;;
        cut) truncate -s $((size - 100)) "$entry" ;;
        empty) : >"$entry" ;;
        esac
        run -3 --separate-stderr lind-boot hello.wasm
        [ "$output" = hello ]
        [ "$stderr" = "lind-boot: what the cache had of 'hello.wasm' was damaged: it is compiled again" ]
        run -3 --separate-stderr lind-boot hello.wasm
        [ "$stderr" = "" ]
    done
}

@test "the cache stays within its size: what was used longest ago goes first" {
    boot_setup
    hello 1 one
    hello 2 two
    hello 3 three
    lind-boot --compile one.wasm
    size=$(find "$LIND_CACHE" -name '*.so' -printf '%s')
    first=$(find "$LIND_CACHE" -name '*.so')
    lind-boot --compile two.wasm
    second=$(find "$LIND_CACHE" -name '*.so' ! -path "$first")
    touch -d '1 hour ago' "$first" "$second"
    run -1 lind-boot one.wasm # used: now the second is the oldest
    lind-boot --compile --cache-size $((size * 5 / 2)) three.wasm
    [ -e "$first" ]
    [ ! -e "$second" ]
    [ "$(entries)" -eq 2 ]
    run -0 lind-boot --compile --cache-size 1 two.wasm
    [ "$(entries)" -eq 1 ]
    # Also where nothing is kept anew; what is used stays, however large it is.
    lind-boot --compile one.wasm
    lind-boot --compile three.wasm
    [ "$(entries)" -eq 3 ]
    run -1 lind-boot --cache-size 1 one.wasm
    [ "$(entries)" -eq 1 ]
    [ -e "$first" ]
}

@test "several processes at once compile it once, and all of them run" {
    boot_setup
    hello 3
    mkdir bin # one that counts
    printf '#!/bin/sh\necho compiled >>"%s"\nexec %s "$@"\n' "$PWD/count" "$(command -v cc)" >bin/cc
    chmod +x bin/cc
    PATH=$PWD/bin:$PATH
    for i in 1 2 3 4 5 6; do
        lind-boot hello.wasm >"out.$i" 2>&1 3>&- &
        processes[i]=$!
    done
    for i in 1 2 3 4 5 6; do
        code=0
        wait "${processes[i]}" || code=$?
        [ "$code" -eq 3 ]
        [ "$(cat "out.$i")" = hello ]
    done
    [ "$(wc -l <count)" -eq 1 ]
    [ "$(entries)" -eq 1 ]
    [ -z "$(find "$LIND_CACHE" -name 'build.*')" ]
}

@test "stopped while it compiles, it leaves nothing half; killed, the next one cleans up" {
    boot_setup
    hello 3
    mkdir bin
    printf '#!/bin/sh\necho ready >"%s"\nexec sleep 100\n' "$PWD/fifo" >bin/cc
    chmod +x bin/cc
    mkfifo fifo
    for signal in TERM KILL; do
        PATH=$PWD/bin:$PATH lind-boot hello.wasm >/dev/null 2>&1 3>&- &
        pid=$!
        read -r _ <fifo
        [ -n "$(find "$LIND_CACHE" -name 'build.*')" ]
        kill -"$signal" "$pid"
        code=0
        wait "$pid" || code=$?
        if [ "$signal" = TERM ]; then
            [ "$code" -eq 143 ]
            [ -z "$(find "$LIND_CACHE" -name 'build.*')" ]
        fi
        [ "$(entries)" -eq 0 ]
    done
    hello 4 other # of another key
    run -4 lind-boot other.wasm
    [ -z "$(find "$LIND_CACHE" -name 'build.*')" ]
}

@test "a cache that others can write is refused; one that cannot be is done without" {
    boot_setup
    hello 3
    mkdir -m 777 open
    run -125 --separate-stderr lind-boot --cache open hello.wasm
    [ "$output" = "" ]
    [ "$stderr" = "lind-boot: cache directory 'open' can be written by others: 'chmod go-w' it" ]
    run -125 --separate-stderr lind-boot --cache open/below hello.wasm
    [ "$stderr" = "lind-boot: cache directory 'open/below' lies in '$(realpath open)', which all can write to" ]
    chmod 775 open
    run -125 --separate-stderr lind-boot --cache open/below hello.wasm
    [ "$stderr" = "lind-boot: cache directory 'open/below' lies in '$(realpath open)', which its group can write to" ]
    mkdir closed
    ln -s "$PWD/closed" open/link # which another may lead elsewhere: what it leads to is what is used
    run -3 lind-boot --cache open/link hello.wasm
    [ -n "$(find closed -name '*.so')" ]
    unset LIND_CACHE XDG_CACHE_HOME
    HOME='' run -3 --separate-stderr lind-boot hello.wasm
    [ "$output" = hello ]
    expect stderr "$stderr" "lind-boot: no cache directory: neither LIND_CACHE, XDG_CACHE_HOME nor HOME is set: 'hello.wasm' is compiled for this run alone"
}

@test "a tool that is missing is named, with its package" {
    boot_setup
    hello 3
    boot=$(command -v lind-boot)
    PATH=/nowhere run -125 "$boot" hello.wasm
    [ "$output" = "lind-boot: 'hello.wasm' cannot be compiled: 'wasm2c' is not installed: package wabt" ]
    mkdir bin
    ln -s "$(command -v wasm2c)" bin/
    PATH=$PWD/bin run -125 "$boot" hello.wasm
    [ "$output" = "lind-boot: 'hello.wasm' cannot be compiled: 'cc' is not installed: package gcc, with libc6-dev" ]
}

@test "a tool that fails is heard of, also where the end of children is ignored" {
    boot_setup
    hello 3
    mkdir bin
    printf '#!/bin/sh\necho "error: no luck" >&2\nexit 1\n' >bin/cc
    chmod +x bin/cc
    deaf='import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])'
    PATH=$PWD/bin:$PATH run -125 python -c "$deaf" lind-boot hello.wasm
    [ "$output" = "lind-boot: 'hello.wasm' cannot be compiled: no luck" ]
    run -3 python -c "$deaf" lind-boot hello.wasm
}

# What is no program, or a bad one

@test "what is no module, or wants what is not there, is refused in one line" {
    boot_setup
    hello 3
    run -127 lind-boot nothing.wasm
    [ "$output" = "lind-boot: 'nothing.wasm' cannot be read: No such file or directory" ]
    run -126 lind-boot .
    [ "$output" = "lind-boot: '.' cannot be read: Is a directory" ]
    echo text >text.wasm
    run -126 lind-boot text.wasm
    [ "$output" = "lind-boot: 'text.wasm' is no WebAssembly module" ]
    for size in 9 40 100 150 $(($(stat -c %s hello.wasm) - 1)); do
        head -c "$size" hello.wasm >cut.wasm
        run -126 lind-boot cut.wasm
        expect "cut at $size" "$output" "lind-boot: 'cut.wasm' is*"
        [ "${#lines[@]}" -eq 1 ]
    done
    wat library <<<'(module (func (export "f")))'
    run -126 lind-boot library.wasm
    [ "$output" = "lind-boot: 'library.wasm' has no '_start': it is a library, no program" ]
    wat missing <<<'(module (import "env" "system" (func (param i32) (result i32))) (func (export "_start")))'
    run -126 lind-boot missing.wasm
    [ "$output" = "lind-boot: 'missing.wasm' imports 'env.system', which is not there: there are functions of wasi_snapshot_preview1 and lind" ]
    wat type <<<'(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64))) (func (export "_start")))'
    run -126 lind-boot type.wasm
    [ "$output" = "lind-boot: 'type.wasm' imports 'wasi_snapshot_preview1.fd_close' with another type than it has" ]
    wat memory <<<'(module (import "env" "memory" (memory 1)) (func (export "_start")))'
    run -126 lind-boot memory.wasm
    [ "$output" = "lind-boot: 'memory.wasm' imports the memory 'env.memory': only functions can be imported" ]
    wat large <<<'(module (memory 1000) (func (export "_start")))'
    run -126 lind-boot --max-memory 16M large.wasm
    [ "$output" = "lind-boot: 'large.wasm' wants 64000 KiB of memory, and gets 16384 at most" ]
    wat two <<<'(module (memory 2) (func (export "_start")))'
    run -126 lind-boot --max-memory 64K two.wasm
    [ "$output" = "lind-boot: 'two.wasm' wants 128 KiB of memory, and gets 64 at most" ]
}

@test "names cannot bring C code along" {
    boot_setup
    printf '(module (func (export "*/ int puts(const char *s) { return 1; } /*")) (func (export "_start")))' | wat names
    run -126 lind-boot names.wasm
    expect output "$output" "lind-boot: 'names.wasm' exports '??*': names have letters, digits and *"
    # shellcheck disable=SC1003 # a backslash and a newline are meant
    printf '(module (func (export "*\\\\\\0a/ int evil;")) (func (export "_start")))' | wat line
    run -126 lind-boot line.wasm
    [ "${#lines[@]}" -eq 1 ]
    # Names of functions that are no exports do not reach the C code, whatever they are.
    cat >debug.py <<'END'
name = b"*/ int evil(void) { return 1 } /*"
part = bytes([1, len(name) + 3, 1, 0, len(name)]) + name
body = b"\x04name" + part
open("debug.wasm", "wb").write(open("plain.wasm", "rb").read() + bytes([0, len(body)]) + body)
END
    wat plain <<<'(module (func) (func (export "_start")))'
    python debug.py
    run -0 lind-boot debug.wasm
    [ "$output" = "" ]
}

@test "a module that traps ends with 134 and what happened" {
    boot_setup
    local -A trap=(
        [unreachable]="reached 'unreachable' (abort, or a failed assertion)"
        [divide]="divided by zero"
        [out_of_bounds]="accessed memory or a table out of bounds"
        [negative_offset]="accessed memory or a table out of bounds"
        [recursion]="exhausted the stack"
        [null_entry]="called an entry of a table that is empty or of another type"
        [wrong_type]="called an entry of a table that is empty or of another type"
    )
    for name in "${!trap[@]}"; do
        wat2wasm "$source_dir/suites/syscalls/programs/hostile/$name.wat" -o "$name.wasm"
        run -134 --separate-stderr lind-boot "$name.wasm"
        [ "$output" = "" ]
        [ "$stderr" = "lind-boot: '$name.wasm' ${trap[$name]} in '_start'" ]
    done
    wat data <<<'(module (memory 1) (data (i32.const 70000) "x") (func (export "_start")))'
    run -134 lind-boot data.wasm
    [ "$output" = "lind-boot: 'data.wasm' accessed memory or a table out of bounds while it was instantiated" ]
    (
        ulimit -s unlimited
        run -134 lind-boot recursion.wasm
        [ "$output" = "lind-boot: 'recursion.wasm' exhausted the stack in '_start'" ]
    )
}

@test "what takes all descriptors or all memory gets no more, and the rest is unharmed" {
    boot_setup
    folder=$build_dir/libexec/tare/suites/syscalls/hostile
    [ -e "$folder/greedy_descriptors.wasm" ] || skip "no clang with wasi-libc when this was built"
    for name in greedy_descriptors greedy_memory bad_addresses; do
        run -0 lind-boot --max-memory 64M "$folder/$name.wasm"
    done
    run -126 lind-boot "$folder/huge_memory.wasm"
    run -126 lind-boot "$folder/odd_names.wasm"
    run -126 lind-boot "$folder/missing_import.wasm"
}

@test "what does not end is ended by a signal" {
    boot_setup
    wat2wasm "$source_dir/suites/syscalls/programs/hostile/endless.wat" -o endless.wasm
    lind-boot --compile endless.wasm
    mkfifo fifo
    for signal in HUP TERM; do # SIGINT is ignored in the background
        lind-boot endless.wasm >fifo 3>&- &
        pid=$!
        read -r line <fifo
        [ "$line" = running ]
        kill -"$signal" "$pid"
        code=0
        wait "$pid" || code=$?
        [ "$code" -eq $((128 + $(kill -l "$signal"))) ]
    done
}

@test "modules with bytes changed are refused, run or trap, and no more" {
    boot_setup
    cat >mutate.py <<'END'
import collections, random, resource, signal, subprocess, sys
module = open(sys.argv[1], "rb").read()
chance = random.Random(20)
seen = collections.Counter()
for _ in range(80):
    changed = bytearray(module)
    for _ in range(chance.choice([1, 1, 2])):
        changed[chance.randrange(len(module) // 2, len(module))] = chance.randrange(256)
    open("changed.wasm", "wb").write(changed)
    ended = subprocess.run(["lind-boot", "--compile", "changed.wasm"], capture_output=True)
    if ended.returncode == 0: # some run for ever: 2 s of the processor's time, however busy that is
        ended = subprocess.run(["lind-boot", "changed.wasm"], capture_output=True,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (2, 2)))
    if ended.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        ended.returncode = 124
    assert ended.returncode >= 0, (ended.returncode, ended.stderr)
    assert ended.returncode not in (125, 127, 132, 133, 135, 136, 137, 138, 139), (ended.returncode, ended.stderr)
    if ended.returncode == 126:
        assert ended.stderr.count(b"\n") == 1 and b"'changed.wasm'" in ended.stderr, ended.stderr
    seen[ended.returncode] += 1
assert seen[126] > 15 and seen[5] > 4, seen
END
    python mutate.py "$source_dir/tests/fuzz/corpus/wasm_module/small"
}

# Grates

# noop.wasm passes everything on, and can be told to trap at getpid() (39).
grates() {
    wat noop <<'END'
(module
  (import "lind" "make_syscall_for" (func $for (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (func (export "lind_handle") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    local.get 1 local.get 0 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7 call $for))
END
    # Answers getpid() with 1000 more than who is behind it, and nothing else.
    wat more <<'END'
(module
  (import "lind" "make_syscall_for" (func $for (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "lind" "register_handler" (func $register (param i64 i64 i64) (result i64)))
  (func (export "lind_setup") (param i64) (result i64)
    local.get 0 i64.const 39 i64.const 1 call $register)
  (func (export "lind_handle") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    local.get 1 local.get 0 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7 call $for
    i64.const 1000 i64.add))
END
    wat traps <<'END'
(module
  (func (export "lind_handle") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64) unreachable))
END
    wat refuses <<'END'
(module
  (func (export "lind_setup") (param i64) (result i64) i64.const -13)
  (func (export "lind_handle") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64) i64.const 0))
END
    # Exit code: the number of its cage, as the call says it, less what it is, and 1000s as tens.
    wat asks <<'END'
(module
  (import "lind" "make_syscall" (func $call (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "lind" "cage_id" (func $id (result i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (local i64)
    i64.const 39 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 call $call local.tee 0
    i64.const 0 i64.lt_s
    if i64.const 0 local.get 0 i64.sub i32.wrap_i64 call $exit end
    local.get 0 call $id i64.sub i64.const 100 i64.div_s i32.wrap_i64 call $exit))
END
}

@test "grates answer a program's calls, pass them on, and stack" {
    boot_setup
    hello 3
    grates
    run -3 lind-boot --grate noop.wasm hello.wasm
    [ "$output" = hello ]
    run -0 lind-boot asks.wasm
    run -0 lind-boot --grate noop.wasm asks.wasm
    run -10 lind-boot --grate more.wasm asks.wasm
    run -20 lind-boot --grate more.wasm --grate noop.wasm --grate more.wasm asks.wasm
    run -3 lind-boot --grate more.wasm hello.wasm
}

@test "a grate that traps, refuses or is none" {
    boot_setup
    hello 3
    grates
    run -5 lind-boot --grate traps.wasm asks.wasm # EIO
    run -126 lind-boot --grate hello.wasm asks.wasm
    [ "$output" = "lind-boot: 'hello.wasm' is no grate: it exports no 'lind_handle' of eight i64 that returns one" ]
    run -126 lind-boot --grate refuses.wasm asks.wasm
    [ "$output" = "lind-boot: 'refuses.wasm' refuses to be a grate: 'lind_setup' returned -13" ]
    run -127 lind-boot --grate nothing.wasm asks.wasm
}

@test "a grate that comes and goes without end serves all the same" {
    boot_setup
    grates
    wat2wasm "$source_dir/suites/syscalls/programs/hostile/greedy_handlers.wat" -o greedy_handlers.wasm
    run -10 lind-boot --grate more.wasm --grate greedy_handlers.wasm asks.wasm
    [ "$output" = "" ]
}

@test "a cage cannot act on another that it does not stand before" {
    boot_setup
    wat acts <<'END'
(module
  (import "lind" "copy_data" (func $copy (param i64 i64 i64 i64 i64) (result i64)))
  (import "lind" "make_syscall_for" (func $for (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "lind" "register_handler" (func $register (param i64 i64 i64) (result i64)))
  (import "lind" "cage_id" (func $id (result i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory 1)
  (func $other (result i64) call $id i64.const 1 i64.add) ;; the grate's, which was made next
  (func $must (param i64 i64) local.get 0 local.get 1 i64.ne if unreachable end)
  (func (export "_start")
    call $other i64.const 0 i64.const 0 i64.const 0 i64.const 8 call $copy i64.const -1 call $must
    i64.const 0 i64.const 0 call $other i64.const 0 i64.const 8 call $copy i64.const -1 call $must
    i64.const 70000 i64.const 0 i64.const 0 i64.const 0 i64.const 8 call $copy i64.const -1 call $must
    i64.const 0 i64.const 65530 i64.const 0 i64.const 0 i64.const 7 call $copy i64.const -14 call $must
    i64.const 0 i64.const 0 i64.const 0 i64.const -4 i64.const 8 call $copy i64.const -14 call $must
    i64.const 0 i64.const 0 i64.const 0 i64.const 8 i64.const -1 call $copy i64.const -14 call $must
    i64.const 0 i64.const 0 i64.const 0 i64.const 8 i64.const 100 call $copy i64.const 0 call $must
    call $other i64.const 39 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 call $for i64.const -1 call $must
    call $other i64.const 39 i64.const 1 call $register i64.const -1 call $must
    call $id i64.const 39 i64.const 1 call $register i64.const -1 call $must))
END
    grates
    run -0 lind-boot --grate noop.wasm acts.wasm
    [ "$output" = "" ]
}

# The command

@test "--perf shows what each layer takes, with one timer at a time" {
    boot_setup
    wat calls <<'END'
(module
  (import "lind" "make_syscall" (func $call (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (func (export "_start") (local i32)
    i32.const 20000 local.set 0
    loop $l
      i64.const 3 i64.const -1 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 call $call drop
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if $l
    end))
END
    for option in --perf --perf=clock --perf=tsc; do
        run -0 lind-boot $option calls.wasm
        headings=$(grep -oE '^-+[A-Z]+(-[A-Z]+)?-+$' <<<"$output" | sed 's/^-*//; s/-*$//' | sort | tr '\n' ' ')
        [ "$headings" = "FDTABLES LIND-BOOT LIND-COMMON RAWPOSIX THREEI " ]
        for timer in lind_common::add_to_linker::make-syscall threei::make_syscall rawposix::close_syscall fdtables::close_virtualfd; do
            [ "$(awk -v name="$timer" '$1 == name { print $2 }' <<<"$output")" = 20000 ]
        done
        for timer in lind_boot::load_main_module lind_boot::invoke_func; do
            [ "$(awk -v name="$timer" '$1 == name { print $2 }' <<<"$output")" = 1 ]
        done
    done
    expect output "$output" "*clock tsc,*"
    # In whatever way it is written, and with all that there is beside it.
    mkdir -p below
    run -0 lind-boot --no-cache --di below --per --max-mem 1M --env A=b --env C=d calls.wasm --perf
    expect output "$output" "*threei::make_syscall*20000*"
    LIND_BOOT_PERF=1 run -125 lind-boot --perf calls.wasm
    [ "$output" = "lind-boot: --perf runs already: LIND_BOOT_PERF is set" ]
    run -125 lind-boot --perf=hourglass calls.wasm
    [ "$output" = "lind-boot: --perf takes clock or tsc, not 'hourglass': 'lind-boot --help' shows the options" ]
}

@test "a wrong command line, --help and the man page" {
    boot_setup
    run -125 lind-boot
    [ "$output" = "lind-boot: no module is named: 'lind-boot --help' shows how" ]
    run -125 lind-boot --max-memory 5G x.wasm
    [ "$output" = "lind-boot: --max-memory takes a size from 64K to 4095M, not '5G': 'lind-boot --help' shows the options" ]
    run -125 lind-boot --env COLOUR x.wasm
    [ "$output" = "lind-boot: --env takes NAME=VALUE, not 'COLOUR': 'lind-boot --help' shows the options" ]
    run -125 lind-boot --colour x.wasm
    [ "$output" = "lind-boot: unknown, ambiguous or incomplete option '--colour': 'lind-boot --help' shows the options" ]
    run -125 lind-boot --dir nowhere "$source_dir/tests/fuzz/corpus/wasm_module/small"
    expect output "$output" "lind-boot: cannot open 'nowhere' as the root of '*': No such file or directory"
    run -0 lind-boot --help
    [ "$(wc -L <<<"$output")" -le 80 ]
    diff <(lind-boot --help | sed -n 's/^ *\(-h, \)*\(--[a-z-]*\).*/\2/p') \
        <(sed -n 's/^\(\*-h\*, \)*\*\(--[a-z-]*\)\*.*/\2/p' "$source_dir/docs/man/lind-boot.1.scd")
}
