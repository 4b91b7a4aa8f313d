#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# An executable is linked in other orders by the project's own build, and is itself untouched when that is over: the
# same file with the same times, whether the build goes well, fails, is interrupted, or cleans up first. After a run
# that was killed, the next one puts it back.
# shellcheck disable=SC2154,SC2016 # what helpers/*.bash set; makefiles have dollars of their own
source "$(dirname "$0")/helpers/script.bash"
source "$(dirname "$0")/helpers/project.bash"
needs "$TARE_LD"
command -v make >/dev/null || skip_all "no make"
command -v readelf >/dev/null || skip_all "no readelf"

# new_project FOLDER PARTS: a program of so many object files besides main.o; built.
new_project() {
    local i calls='' objects=main.o
    mkdir -p "$1"
    cd "$1" || exit 1
    for ((i = 1; i <= $2; i++)); do
        printf 'int f%d(int x) { return x * %d; }\nint g%d(int x) { return x + %d; }\n' $i $i $i $i >f$i.c
        calls="$calls int f$i(int), g$i(int); sum += f$i(argc) + g$i(argc);"
        objects="$objects f$i.o"
    done
    printf '#include <stdio.h>\nint main(int argc, char **argv)\n{\n    int sum = 0;\n    (void)argv;\n%s\n%s\n}\n' \
        "   $calls" '    return printf("%d\n", sum) < 0;' >main.c
    printf 'bin/prog: %s\n\tmkdir -p bin\n\t$(CC) $(LDFLAGS) -o $@ %s\n' "$objects" "$objects" >Makefile
    make -s CC="$CC"
}

# order FILE: the program's own functions, by where they are.
order() {
    readelf -sW "$1" | awk '$4 == "FUNC" && $8 ~ /^([fg][0-9]+|main)$/ { print $2, $8 }' | sort | cut -d ' ' -f 2 |
        tr '\n' ' '
}

# what_is_there: the executable, as it must be again; and nothing of ours beside it.
what_is_there() {
    stat -c '%i %Y %s %a' bin/prog
    sha256sum bin/prog
    ls -A bin
}

# relink ARGUMENTS...: `revision relink`. While it holds them, the executables are looked at: what they print is in
# $printed, the orders in $orders, how many differ in $different.
relink() {
    local line pid input file
    printed='' orders=''
    coproc holder { exec revision relink "$@" --hold 2>"$scratch/err"; }
    pid=$holder_PID input=${holder[1]}
    : >"$scratch/out"
    while IFS= read -r line <&"${holder[0]}"; do
        echo "$line" >>"$scratch/out"
        if [ "$line" = ready ]; then
            held=$(what_is_there)
            while IFS= read -r file; do
                printed+="$("$file") "
                orders+="$(order "$file")"$'\n'
            done < <(sed -n 's/^executable: //p' "$scratch/out")
            exec {input}>&-
        fi
    done 2>/dev/null
    different=$(sort -u <<<"${orders%$'\n'}" | wc -l)
    wait "$pid"
}

# refused WHAT GLOB ARGUMENTS...: an error of one line, and the executable as it was.
refused() {
    local what=$1 glob=$2 before
    shift 2
    before=$(what_is_there)
    revision relink "$@" >"$scratch/out" 2>"$scratch/err"
    equal "$what: exit code" $? 1
    matches "$what" "$(head -n 1 "$scratch/err")" "error: $glob"
    equal "$what: the executable" "$(what_is_there)" "$before"
    sed -n 's/^log: //p' "$scratch/err" | xargs -r rm -f
    nothing_left
}

project="$scratch/it's a \"project\""

begin_case "object files"
new_project "$project" 4
touch -d '2001-02-03 04:05:06.789' bin/prog # it is made again all the same
touch -d '2001-02-03' ./*.c ./*.o
before=$(what_is_there)
relink bin/prog 5
equal "exit code" $? 0
equal "the executable" "$(what_is_there)" "$before"
matches "while they are there" "$held" "${before%prog}*"
equal "they print" "$printed" "24 24 24 24 24 "
equal "different orders" "$different" 5
equal "as it says" "$(value items) $(value orders) $(value layouts)" "5 120 5"
equal "the usual order makes what was there" "$(value reproduced)" 1
matches "it says how" "$(value notice)" "linking 'bin/prog' with 'make bin/prog', *"
nothing_left
first=$orders
relink bin/prog 5 --seed 1
equal "the same seed" "$orders" "$first"
relink bin/prog 5 --seed 2
check "another seed" test "$orders" != "$first"
relink "$PWD/bin/prog" 2 --build 'make -s'
equal "by a command that is given" "$different" 2
ln -s bin/prog link
relink link 2
equal "through a link" "$different $(value original)" "2 $PWD/bin/prog"
rm link

begin_case "orders that are few, or one"
new_project "$scratch/two" 1
relink bin/prog 6
equal "of two" "$different $(value orders) $(value layouts)" "2 2 2"
matches "it is said" "$(grep 'link orders' "$scratch/out")" "notice: 'bin/prog' has 2 link orders, not 6"
new_project "$scratch/one" 0
refused "one" "'bin/prog' is linked from one object file*" bin/prog 3
refused "too many asked for" "1000 link orders: 2 to 100 *" bin/prog 1000
sed -i 's/-o/-lm f.o -lm -o/' Makefile
echo 'int f;' >f.c
$CC -c f.c
rm bin/prog
make -s CC="$CC"
refused "apart" "'bin/prog' has one link order only*" bin/prog 3

begin_case "members of a library"
new_project "$scratch/library" 4
ar rcs lib.a f1.o f2.o f3.o f4.o
mkdir sub
cp f1.o sub
(cd sub && ar rcsT thin.a f1.o ../f2.o ../f3.o ../f4.o)
for library in lib.a sub/thin.a; do
    printf 'bin/prog: main.o\n\t$(CC) -o $@ main.o %s\n' $library >Makefile
    rm bin/prog
    make -s CC="$CC"
    before=$(what_is_there)$(cksum $library)
    relink bin/prog 5
    equal "$library: different orders" "$different $(value items) $(value orders)" "5 5 24"
    equal "$library: they print" "$printed" "24 24 24 24 24 "
    equal "$library: what was there" "$(what_is_there)$(cksum $library)" "$before"
done
nothing_left

begin_case "other linkers, and functions on their own"
new_project "$scratch/linkers" 4
cat main.c f?.c >all.c
tried=
for linker in bfd gold lld mold; do
    echo 'int main(void) { return 0; }' >empty.c
    $CC -fuse-ld=$linker -o empty empty.c 2>/dev/null || continue
    tried="$tried $linker"
    rm bin/prog
    make -s CC="$CC" LDFLAGS=-fuse-ld=$linker
    LDFLAGS=-fuse-ld=$linker relink bin/prog 4 --build 'make -e bin/prog'
    equal "$linker: orders" "$different $(value reproduced)" "4 1"
    equal "$linker: they print" "$printed" "24 24 24 24 "
    if [[ $linker == [gl]* ]]; then
        $CC -ffunction-sections -fuse-ld=$linker -o bin/prog all.c
        relink bin/prog 4 --build "$CC -ffunction-sections -fuse-ld=$linker -o bin/prog all.c"
        equal "$linker: functions" "$different $(value items) $(value orders)" "4 10 362880"
        equal "$linker: they print" "$printed" "24 24 24 24 "
    fi
done
check "some were there:$tried" test -n "$tried"
nothing_left

begin_case "words in a file, as from long command lines"
new_project "$scratch/response" 4
mv f4.o "f 4's \\\"part\".o"
printf '%s\n' main.o f1.o "@in ner" -o bin/prog >words
sed -i 's/@in ner/"@in ner"/' words
printf "f2.o\n'f3.o'  \"f 4's \\\\\\\\\\\\\"part\\\\\".o\"" >'in ner'
$CC @words || fail "cannot be linked here"
relink bin/prog 4 --build "$CC @words"
equal "different orders" "$different $(value items) $(value reproduced)" "4 5 1"
equal "they print" "$printed" "24 24 24 24 "

begin_case "linked aside and moved, stripped, or by ld itself"
cd "$project" || exit 1
relink bin/prog 3 \
    --build '$CC -o bin/prog.new main.o f?.o && strip --strip-debug bin/prog.new && mv bin/prog.new bin/prog'
equal "aside" "$different $(value layouts)" "3 3"
equal "another one than was there" "$(value reproduced)" 0
matches "it is said" "$(grep another "$scratch/out")" "notice: '*' makes another 'bin/prog' than was there*"

begin_case "builds that do not allow it"
cp bin/prog copy
refused "a copy" "'cp copy bin/prog' makes 'bin/prog' without a linker that could be replaced*" \
    bin/prog 3 --build 'cp copy bin/prog'
refused "another program" "'*' does not link 'bin/prog' itself*" bin/prog 3 \
    --build '$CC -o a main.o f?.o && $CC -o b main.o f?.o && cp copy bin/prog'
rm -f a b
refused "nothing" "'true' did not make 'bin/prog' again*" bin/prog 3 --build true
refused "failing" "'echo no >&2; false' failed in '*': exit code 1" bin/prog 3 --build 'echo no >&2; false'
refused "failing in one order" "'*' failed in *" bin/prog 3 \
    --build 'test "$TARE_LD_ORDER" -lt 2 && $CC -o bin/prog main.o f?.o'
refused "half-made" "'*' failed in *" bin/prog 3 --build 'echo half >bin/prog; false'
refused "too long" "'sleep 60' was stopped after 0.2 s" bin/prog 3 --build 'sleep 60' --timeout 0.2
refused "a disk that is full" "'*' failed in *" bin/prog 3 --build 'ulimit -f 4; $CC -o bin/prog main.o f?.o'
refused "always the same" "'*' makes the same 'bin/prog' in each link order*" bin/prog 3 \
    --build '$CC -o bin/prog main.o f?.o && cp copy bin/prog'
mkdir other
linker=$(command -v ld)
for name in ld ld.bfd; do
    printf '#!/bin/sh\nexec %s "$@"\n' "$linker" >other/$name
    chmod +x other/$name
done
refused "a linker of its own" "'*' makes 'bin/prog' without a linker that could be replaced*" bin/prog 3 \
    --build '$CC -Bother -o bin/prog main.o f?.o'
for name in ld ld.bfd; do
    printf '#!/bin/sh\nexec ld "$@"\n' >other/$name
done
relink bin/prog 3 --build '$CC -Bother -o bin/prog main.o f?.o'
equal "one that looks for the next one itself" "$different $printed" "3 24 24 24 "
rm -r other

begin_case "what has no link order"
before=$(what_is_there)
cp bin/prog kept
printf '#!/bin/sh\n# prog - temporary wrapper script for .libs/prog\n# Generated by libtool\n' >bin/script
chmod +x bin/script
revision relink bin/script 3 >"$scratch/out" 2>"$scratch/err"
matches "libtool" "$(head -n 1 "$scratch/err")" "error: 'bin/script' is a script of libtool's*"
echo 'echo hello' >bin/script
revision relink bin/script 3 >"$scratch/out" 2>"$scratch/err"
matches "a script" "$(head -n 1 "$scratch/err")" "error: 'bin/script' is no ELF executable*"
rm bin/script
revision relink bin/script 3 >"$scratch/out" 2>"$scratch/err"
matches "nothing" "$(head -n 1 "$scratch/err")" "error: cannot read the executable 'bin/script': *"
equal "the folder" "$(what_is_there)" "$before"

begin_case "a build that cleans first"
before=$(stat -c '%Y %s %a' bin/prog)$(sha256sum bin/prog)
revision relink bin/prog 3 --build 'rm -rf bin; mkdir bin; $CC -o bin/prog main.o f?.o' >"$scratch/out" 2>"$scratch/err"
equal "exit code" $? 1
matches "it says so" "$(head -n 1 "$scratch/err")" "error: '*' removes what else lies beside 'bin/prog'*"
equal "the executable" "$(stat -c '%Y %s %a' bin/prog)$(sha256sum bin/prog)" "$before"
equal "the folder" "$(ls -A bin)" prog

begin_case "a folder that cannot be written"
if [ "$(id -u)" -eq 0 ]; then
    skip_case "root may write everywhere"
else
    chmod a-w bin
    refused "read-only" "cannot write beside 'bin/prog': *" bin/prog 3
    chmod u+w bin
fi

# start_hanging: a run that hangs in its second order; $inner is a process of its build.
start_hanging() {
    rm -f "$scratch/inner"
    revision relink bin/prog 3 --build '$CC -o bin/prog main.o f?.o && test "$TARE_LD_ORDER" -lt 2 ||
        sh -c "echo \$\$ >'"$scratch"'/inner; exec sleep 1000"; true' >"$scratch/out" 2>"$scratch/err" &
    runner=$!
    started+=("$runner")
    eventually test -s "$scratch/inner"
    inner=$(cat "$scratch/inner")
}

begin_case "interrupted"
before=$(what_is_there)
for signal in TERM HUP; do
    start_hanging
    kill -$signal "$runner"
    wait "$runner"
    equal "SIG$signal: exit code" $? 1
    matches "SIG$signal: it says so" "$(cat "$scratch/err")" "error: interrupted while link order 2 of 3*interrupted: *"
    check "SIG$signal: the build has ended" has_ended "$inner"
    equal "SIG$signal: the executable" "$(what_is_there)" "$before"
    nothing_left
done

begin_case "two at once"
start_hanging
revision relink bin/prog 3 >"$scratch/second" 2>&1
matches "it says so" "$(head -n 1 "$scratch/second")" "error: another tare relinks 'bin/prog' at this moment*"
revision recover bin/prog >"$scratch/second" 2>&1
equal "nor is it put back meanwhile" "$(cat "$scratch/second")" "recovered: 0"
kill -TERM "$runner"
wait "$runner"
equal "the executable" "$(what_is_there)" "$before"

begin_case "killed: the next one puts it back"
for how in recover relink; do
    start_hanging
    kill -KILL "$runner"
    wait "$runner" 2>/dev/null
    eventually has_ended "$inner"
    check "it is aside" test -e bin/.tare-relink-prog.original
    [ $how = recover ] || rm bin/prog
    if [ $how = recover ]; then
        revision recover bin/prog >"$scratch/out"
        equal "what it says" "$(cat "$scratch/out")" \
            $'notice: put \'bin/prog\' back, which a run that was killed had left aside\nrecovered: 1'
    else
        relink bin/prog 2
        equal "exit code" $? 0
    fi
    equal "$how: the executable" "$(what_is_there)" "$before"
    nothing_left
done
revision recover bin/prog >"$scratch/out"
equal "nothing to do" "$(cat "$scratch/out")" "recovered: 0"

# recover: its build may take a moment to end.
recover() {
    revision recover bin/prog >"$scratch/out" 2>&1 && [ ! -e bin/.tare-relink-prog.original ]
}

# Each call is two steps, into the kernel and out of it; a run is some thousands, of which a few are tried.
begin_case "killed at any system call"
command='$CC -o bin/prog main.o f?.o'
kill_at_call 1000000 revision relink bin/prog 2 --build "$command" </dev/null >"$scratch/out" 2>&1
equal "undisturbed" $? 3
steps=1
for ((half = 1 << 15; half > 0; half /= 2)); do
    kill_at_call $((steps + half)) revision relink bin/prog 2 --build "$command" </dev/null >"$scratch/out" 2>&1 &&
        steps=$((steps + half))
    eventually recover
done
missing=0
for ((n = 1; n < steps; n += steps / 40 + 1)); do
    kill_at_call $n revision relink bin/prog 2 --build "$command" </dev/null >"$scratch/out" 2>&1
    [ $? -ne 77 ] || break
    [ ! -e bin/.tare-relink-prog.original ] || missing=$((missing + 1))
    eventually recover
    [ "$(what_is_there)" = "$before" ] || fail "after $n of $steps steps" "$(what_is_there)"
    rm -f "$TMPDIR"/cc* # of compilers that were killed with it
    [ -z "$(ls -A "$TMPDIR")" ] || fail "after $n of $steps steps" "$(ls -A "$TMPDIR")"
done
if ((n == 1)); then
    skip_case "programs cannot be traced here"
else
    check "some were killed while it was aside ($missing)" test $missing -ge 5
    relink bin/prog 2
    equal "the executable" "$(what_is_there)" "$before"
    nothing_left
fi

begin_case "killed, and built again since: that stays"
start_hanging
kill -KILL "$runner"
wait "$runner" 2>/dev/null
eventually has_ended "$inner"
rm -f bin/prog
make -s CC="$CC"
touch -d '20 seconds ago' bin/.tare-relink-prog.lock # it was some time ago
before=$(what_is_there | grep -v tare-relink)
revision recover bin/prog >"$scratch/out"
equal "what it says" "$(cat "$scratch/out")" "recovered: 0"
equal "the executable" "$(what_is_there)" "$before"
nothing_left

begin_case "of another revision, in its own tree"
if command -v git >/dev/null; then
    printf '*.o\n/bin/\n/copy\n/kept\n' >.gitignore
    git init -q .
    git add .
    git commit -qm one
    sed -i 's/x \* 1/x * 2/' f1.c
    git commit -qam two
    make -s CC="$CC"
    before=$(what_is_there)
    revision worktree bin/prog HEAD~1 --relink 3 >"$scratch/out" 2>"$scratch/err" </dev/null
    equal "exit code" $? 0
    equal "how many" "$(grep -c '^executable: .*/\.tare-relink-prog\.[123]$' "$scratch/out")" 3
    equal "in as many layouts" "$(value layouts)" 3
    equal "the executable" "$(what_is_there)" "$before"
    nothing_left
else
    skip_case "no git"
fi

finish
