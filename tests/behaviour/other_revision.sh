#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Another revision is built as the executable at hand was, and nothing of it stays: not in the work tree, which may
# have changes that no commit has, nor in the repository, nor in TMPDIR; whether it builds, fails, is interrupted or is
# killed.
# shellcheck disable=SC2154,SC2016 # what helpers/*.bash set; makefiles have dollars of their own
source "$(dirname "$0")/helpers/script.bash"
source "$(dirname "$0")/helpers/project.bash"
command -v make >/dev/null || skip_all "no make"

# new_project FOLDER: a repository of two revisions of a program that prints 1, and then 2; not built.
new_project() {
    mkdir -p "$1"
    cd "$1" || exit 1
    git init -q .
    printf '#include <stdio.h>\n#ifndef WITH\n#define WITH "nothing"\n#endif\nint number(void);\n%s\n' \
        'int main(void) { return printf("%d %s\n", number(), WITH) < 0; }' >main.c
    echo 'int number(void) { return 1; }' >number.c
    printf '/build/\n/bin/\n*.o\n/prog\n' >.gitignore
    printf 'bin/prog: main.o number.o\n\tmkdir -p bin\n\t$(CC) -o $@ main.o number.o\n' >Makefile
    git add .
    git commit -qm 'first of all'
    echo 'int number(void) { return 2; }' >number.c
    git commit -qam 'the second one'
}

# state: all that a user may not find changed.
state() {
    find . -path ./.git -prune -o -type f -printf '%p %i %s %T@\n' | sort
    git status --porcelain=v1 --branch
    git stash list
    git worktree list
    git for-each-ref
    git ls-files --stage
    find .git -name '*.lock'
}

# refused WHAT GLOB ARGUMENTS...: an error of one line; nothing changed, nothing left.
refused() {
    local what=$1 glob=$2 before
    shift 2
    before=$(state)
    revision worktree "$@" >"$scratch/out" 2>"$scratch/err"
    equal "$what: exit code" $? 1
    matches "$what" "$(head -n 1 "$scratch/err")" "error: $glob"
    equal "$what: the tree" "$(state)" "$before"
    nothing_left
}

project="$scratch/it's a \"project\""

begin_case "by make, in a work tree with changes"
new_project "$project"
make -s CC="$CC"
echo changed >>main.c
echo staged >staged
git add staged
echo new >untracked
mkdir -p .git/hooks
printf '#!/bin/sh\ntouch "%s/hooked"\n' "$scratch" >.git/hooks/post-checkout
chmod +x .git/hooks/post-checkout
before=$(state)
build_revision bin/prog HEAD~1
equal "exit code" $? 0
equal "B prints" "$printed" "1 nothing"
equal "A prints" "$(bin/prog)" "2 nothing"
equal "commit" "$(value commit)" "$(git rev-parse HEAD~1)"
equal "head" "$(value head)" "$(git rev-parse HEAD)"
equal "dirty" "$(value dirty)" 1
equal "root" "$(value root)" "$project"
matches "it says how" "$(value notice)" "building *'make bin/prog'*Makefile*"
equal "length of the path" "$(value tree | wc -c)" "$(value root | wc -c)"
equal "watched" "$(value looks)" 1
equal "the tree" "$(state)" "$before"
check "no hook was run" test ! -e "$scratch/hooked"
nothing_left
git reset -q --hard

begin_case "by names for a revision"
for revision in main~1 "$(git rev-parse --short HEAD~1)" ':/first of' HEAD^; do
    build_revision bin/prog "$revision"
    equal "$revision prints" "$printed" "1 nothing"
done
git tag -a -m tagged v1 HEAD~1
build_revision bin/prog v1
equal "an annotated tag prints" "$printed" "1 nothing"

begin_case "names that are none"
refused "an option" "'--all' is no revision*" bin/prog --all
refused "nothing" "'' is no revision*" bin/prog ''
refused "unknown" "no revision 'nope' in *" bin/prog nope
refused "a range" "no revision 'HEAD~1..HEAD'*" bin/prog HEAD~1..HEAD
refused "all but" "no revision '^HEAD'*" bin/prog ^HEAD
refused "a file" "'HEAD:main.c' is not a commit*" bin/prog HEAD:main.c
refused "a folder" "'HEAD^{tree}' is not a commit*" bin/prog 'HEAD^{tree}'
refused "no executable" "cannot find the executable 'bin/none'*" bin/none HEAD
refused "a folder for an executable" "cannot find the executable 'bin'*" bin HEAD

begin_case "by a command that is given"
build_revision bin/prog HEAD~1 --build 'mkdir -p bin && $CC -DWITH=\"it\" -o bin/prog main.c number.c'
equal "exit code" $? 0
equal "B prints" "$printed" "1 it"
mkdir -p build/deep
cd build/deep || exit 1
build_revision ../../bin/prog HEAD~1 --build 'make -s -C ../.. && pwd >where && cp where ../../../told'
matches "in the folder that stands for the current one" "$(cat "$TMPDIR/told")" "$TMPDIR/*/build/deep"
rm -f "$TMPDIR/told"
cd ../.. || exit 1
equal "B prints" "$printed" "1 nothing"
nothing_left

begin_case "the build fails"
before=$(state)
revision worktree bin/prog HEAD~1 --build 'echo to be seen; echo and this >&2; exit 3' >"$scratch/out" 2>"$scratch/err"
equal "exit code" $? 1
matches "what happened" "$(head -n 1 "$scratch/err")" \
    "error: 'echo to be seen; echo and this >&2; exit 3' failed in '*': exit code 3"
log=$(sed -n 's/^log: //p' "$scratch/err")
equal "the last lines" "$(sed -n 2,3p "$scratch/err")" $'to be seen\nand this'
equal "the log" "$(cat "$log")" $'to be seen\nand this'
rm -f "$log"
equal "the tree" "$(state)" "$before"
nothing_left
refused "it makes nothing" "'true' did not make 'bin/prog' at *--build*" bin/prog HEAD~1 --build true
refused "killed by a signal" "'kill -SEGV \$\$' failed in '*': signal 11 *" bin/prog HEAD~1 --build 'kill -SEGV $$'
refused "too long" "'sleep 60' was stopped after 0.2 s" bin/prog HEAD~1 --build 'sleep 60' --timeout 0.2

begin_case "the build changes what it is compared with"
ORIGINAL=$PWD/bin/prog revision worktree bin/prog HEAD~1 --build 'make -s && touch -d 1990-01-01 "$ORIGINAL"' \
    >"$scratch/out" 2>"$scratch/err"
equal "exit code" $? 1
matches "it says so" "$(head -n 1 "$scratch/err")" "error: 'bin/prog' has changed while *"
nothing_left
touch bin/prog

begin_case "where a git hook or an alias calls it"
GIT_DIR=$scratch/nowhere GIT_INDEX_FILE=$scratch/none GIT_WORK_TREE=/ build_revision bin/prog HEAD~1
equal "B prints" "$printed" "1 nothing"

begin_case "through a symbolic link"
ln -s "$project/bin/prog" "$scratch/link"
ln -s bin/prog prog
build_revision prog HEAD~1
equal "in the work tree" "$printed" "1 nothing"
refused "from outside" "'$scratch/link' is not in a git repository*" "$scratch/link" HEAD~1
rm -f prog

ln -s "$project/bin/prog" tracked
git add tracked
git commit -qm 'a link that leads out of each checkout'
refused "the same file" "'tracked' is the same file at *" tracked HEAD
git reset -q --hard HEAD~1

begin_case "a file of the revision itself"
printf '#!/bin/sh\necho script 1\n' >script.sh
chmod +x script.sh
git add script.sh
git commit -qm script
printf '#!/bin/sh\necho script 2\n' >script.sh
build_revision script.sh HEAD
equal "needs no build" "$printed" "script 1"
equal "no command" "$(value command)" -
git checkout -q script.sh

begin_case "nobody knows how it is built"
git rm -q --cached Makefile
git commit -qm 'without a Makefile'
refused "no Makefile" "how '*/bin/prog' is built is not known*--build*" bin/prog HEAD
git reset -q --soft HEAD~1
git reset -q

begin_case "two at once"
revision worktree bin/prog HEAD~1 >"$scratch/first" 2>&1 &
started+=($!)
build_revision bin/prog HEAD~2
equal "the second" "$printed" "1 nothing"
wait "${started[-1]}"
equal "the first: exit code" $? 0
nothing_left

# start_hanging: a build that does not end. $runner is who runs it, $inner a process of it.
start_hanging() {
    rm -f "$scratch/inner"
    revision worktree bin/prog HEAD~1 --build "sh -c 'echo \$\$ >$scratch/inner; exec sleep 1000'; true" \
        >"$scratch/out" 2>"$scratch/err" &
    runner=$!
    started+=("$runner")
    eventually test -s "$scratch/inner"
    inner=$(cat "$scratch/inner")
}

begin_case "interrupted"
before=$(state)
for signal in INT TERM HUP; do
    start_hanging
    # A background process of a shell without job control ignores SIGINT: not what is meant here.
    [ $signal = INT ] && [ $((0x$(sed -n 's/^SigIgn:\t//p' "/proc/$runner/status") & 2)) -ne 0 ] && signal=TERM
    kill -$signal "$runner"
    wait "$runner"
    equal "SIG$signal: exit code" $? 1
    matches "SIG$signal: it says so" "$(cat "$scratch/err")" "error: interrupted*interrupted: *"
    check "SIG$signal: the build has ended" has_ended "$inner"
    equal "SIG$signal: the tree" "$(state)" "$before"
    nothing_left
done

begin_case "killed: the next one cleans up, and nothing but that"
git worktree add -q "$scratch/tare-of-the-user" HEAD
git worktree add -q "$scratch/unmounted" HEAD
rm -rf "$scratch/unmounted"
start_hanging
kill -KILL "$runner"
wait "$runner" 2>/dev/null
eventually has_ended "$inner"
equal "worktrees" "$(git worktree list | wc -l)" 4
build_revision bin/prog HEAD~2
equal "B prints" "$printed" "1 nothing"
matches "it says so" "$(grep -c 'which a run that was killed has left behind' "$scratch/out")" 1
equal "what is left in TMPDIR" "$(ls -A "$TMPDIR")" ""
equal "worktrees of the user's" "$(git worktree list | wc -l)" 3
check "they are as they were" test -e "$scratch/tare-of-the-user/main.c"
git worktree prune
git worktree remove "$scratch/tare-of-the-user"

begin_case "submodules come from where they are checked out"
new_project "$scratch/part"
new_project "$scratch/whole"
git submodule --quiet add "$scratch/part" 'a part'
git submodule --quiet add "$scratch/part" absent
echo 'bin/prog: ; mkdir -p bin && $(CC) -o $@ main.c "a part/number.c"' >Makefile
git -C 'a part' checkout -q HEAD~1
git add .
git commit -qm 'with submodules'
git -C 'a part' checkout -q main
git commit -qam 'a newer part'
git submodule --quiet deinit -f absent
make -s CC="$CC"
mv "$scratch/part" "$scratch/gone"
before=$(state; git -C 'a part' status --porcelain --branch; git -C 'a part' worktree list)
build_revision bin/prog HEAD~1
equal "B prints" "$printed" "1 nothing"
equal "A prints" "$(bin/prog)" "2 nothing"
matches "the other one is named" "$(value notice)" "the submodule 'absent' is not checked out*"
equal "the tree" "$(state; git -C 'a part' status --porcelain --branch; git -C 'a part' worktree list)" "$before"
nothing_left

begin_case "repositories that cannot be used"
cd "$scratch" || exit 1
mkdir plain
cp "$project/bin/prog" plain
revision worktree plain/prog HEAD >out 2>err
matches "none" "$(head -n 1 err)" "error: 'plain/prog' is not in a git repository*"
git clone -q --bare whole bare.git
cp "$project/bin/prog" bare.git/prog
revision worktree bare.git/prog HEAD >out 2>err
matches "bare" "$(head -n 1 err)" "error: 'bare.git/prog' is in a bare repository*"
git clone -q --depth 1 "file://$project" shallow
cd shallow || exit 1
make -s CC="$CC"
refused "shallow" "no revision 'HEAD~1' in *shallow*" bin/prog HEAD~1
(
    PATH=$helpers # without git
    revision worktree bin/prog HEAD >"$scratch/out" 2>"$scratch/err"
)
matches "no git" "$(head -n 1 "$scratch/err")" "error: cannot run git*"
TMPDIR=$scratch/missing revision worktree bin/prog HEAD >"$scratch/out" 2>"$scratch/err"
matches "no TMPDIR" "$(head -n 1 "$scratch/err")" "error: cannot build in '$scratch/missing': *TMPDIR"
nothing_left

begin_case "by a configure script, with its arguments"
new_project "$scratch/configured"
cat >configure <<'END'
#!/bin/sh
# In the style of the real ones, as far as it matters.
source=$(dirname "$0")
quoted=
for word; do
    quoted="$quoted '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"
    case $word in WITH=*) with=${word#WITH=} ;; esac
done
{
    echo '#!/bin/sh'
    echo '[ "$1" = --config ] && cat <<\END'
    echo "$quoted"
    echo END
} >config.status
chmod +x config.status
echo "#define WITH \"$with\"" >config.h
echo "prog: ; \$(CC) -include config.h -o \$@ $source/main.c $source/number.c" >Makefile
END
chmod +x configure
git rm -q Makefile
git add configure
git commit -qm configure
echo 'int number(void) { return 3; }' >number.c
git commit -qam 'the third one'
mkdir -p build/here
(cd build/here && ../../configure "WITH=it's a word" && make -s CC="$CC")
build_revision build/here/prog HEAD~1
equal "A prints" "$(build/here/prog)" "3 it's a word"
equal "B prints" "$printed" "2 it's a word"
nothing_left

begin_case "with a script of libtool's in its place"
build_revision build/here/prog HEAD~1 \
    --build 'mkdir -p build/here && printf "#!/bin/sh\n# generated by libtool\necho wrapped\n" >build/here/prog &&
    chmod +x build/here/prog'
equal "B prints" "$printed" wrapped
check "it is told" grep -q "^notice: .*script of libtool's" "$scratch/out"

finish
