#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# TARE_PAGE=FILE: the page outlives the process, is its user's alone, and is never written over what is no page, however
# FILE leads there, or over the page of a process that is still there. TARE_REPORT: to a file, stderr or stdout.
# Whatever can be done about either, the program itself runs as ever.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare hello "$helpers/load"
have_python || skip_all "no python3 to read results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1
answer="prime number 10000 is 104729"

# calls_in FILE: scopes of load::work in the page, as `tare report` says.
calls_in() {
    tare report --format json -o result.json "$1" && of_result result.json 'timers["load::work"]["calls"]'
}

begin_case "the file outlives the process, and only its user can read it"
(umask 0 && TARE_PAGE=page load count 11)
equal "calls" "$(calls_in page)" 11
equal "mode" "$(stat -c %a page)" 600
equal "what else is there" "$(ls)" $'page\nresult.json'
TARE_PAGE=$scratch/page load count 12
equal "calls, written again" "$(calls_in page)" 12

begin_case "a second process at the same time writes FILE.PID"
TARE_PAGE=page load count 1 ready first await go count 20 &
first=$!
started+=("$first")
eventually test -e first
TARE_PAGE=page load count 2 ready second await go count 40 &
second=$!
started+=("$second")
eventually test -e second
: >go
wait "$first" "$second"
equal "calls of the first" "$(calls_in page)" 21
equal "calls of the second" "$(calls_in "page.$second")" 42
equal "mode" "$(stat -c %a "page.$second")" 600

begin_case "so do children made by fork, and a program that another became"
TARE_PAGE=forks load count 5 forks 3 exec count 6 &
pid=$!
wait "$pid"
equal "files" "$(find . -name 'forks.*' | wc -l)" 4
equal "calls before" "$(calls_in forks)" 5
equal "calls after" "$(calls_in "forks.$pid")" 6

begin_case "and so does each program that a process becomes, one after the other"
TARE_PAGE=became load count 1 exec count 2 exec count 3 exec count 4 2>err &
pid=$!
wait "$pid"
equal "exit code" $? 0
equal "errors" "$(<err)" ""
equal "calls" "$(for page in became "became.$pid" "became.$pid.2" "became.$pid.3"; do calls_in "$page"; done | tr '\n' ' ')" "1 2 3 4 "

begin_case "%p stands for the process"
TARE_PAGE=a%p.page load count 3 forks 2 &
pid=$!
wait "$pid"
equal "calls" "$(calls_in "a$pid.page")" 3
equal "files" "$(find . -name 'a*.page' | wc -l)" 3

begin_case "a page that nobody writes any more is replaced, however its process ended"
{ TARE_PAGE=old load count 7 abort; } 2>/dev/null
equal "calls, aborted" "$(calls_in old)" 7
TARE_PAGE=old load count 8
equal "calls, replaced" "$(calls_in old)" 8
equal "files" "$(find . -name 'old*' | wc -l)" 1

begin_case "a file that is no page is left alone"
for size in 1 4095 4096 100000; do
    head -c "$size" /dev/zero | tr '\0' x >data
    cp data copy
    equal "output" "$(TARE_PAGE=data hello 2>err)" "$answer"
    one_line "$size bytes" err
    check "$size bytes" cmp data copy
done
: >empty # has nothing to lose
TARE_PAGE=empty load count 4
equal "calls in what was empty" "$(calls_in empty)" 4

begin_case "so is what a symbolic link leads to, and the link"
ln -s data link
ln -s /nowhere/at/all dangling
ln -s page link_to_page
equal "output" "$(for link in link dangling link_to_page; do TARE_PAGE=$link hello; done 2>err)" "$answer"$'\n'"$answer"$'\n'"$answer"
equal "what it says" "$(<err)" "tare: cannot make the page 'link': what is there is no page: it is in memory
tare: cannot make the page 'dangling': what is there is no page: it is in memory
tare: cannot make the page 'link_to_page': what is there is no page: it is in memory"
check "the file" cmp data copy
equal "links" "$(readlink link dangling link_to_page | tr '\n' ' ')" "data /nowhere/at/all page "
equal "calls in the page that was there" "$(calls_in page)" 21

begin_case "so is a folder, a device, a pipe; and what cannot be made is not made"
mkdir folder
mkfifo pipe
for path in folder folder/ . /dev/null pipe missing/page "$(printf 'x%.0s' {1..300})" "$(printf 'x/%.0s' {1..2500})"; do
    said=$(TARE_PAGE=$path timeout 10 hello 2>err)
    equal "exit code with '${path:0:20}'" $? 0
    equal "output with '${path:0:20}'" "$said" "$answer"
    one_line "errors with '${path:0:20}'" err
done
equal "the folder" "$(ls -A folder)" ""
check "the pipe" test -p pipe
check "the device" test -c /dev/null
equal "files half made" "$(find . -name '*~')" ""

begin_case "a program that cannot have its file is measured all the same"
TARE_PAGE=folder TARE_REPORT=report load count 13 2>err
check "it reports" grep -Eq '^load::work +13 ' report
one_line "errors" err

begin_case "it says so in one line that says why, its children do not, and what it becomes does"
TARE_PAGE=/nosuch/p.page load count 5 forks 3 exit 4 2>err
equal "exit code" $? 4
equal "errors" "$(<err)" "tare: cannot make the page '/nosuch/p.page': No such file or directory: it is in memory"
TARE_PAGE=missing/%p load count 5 forks 1 exec count 6 2>err
equal "errors, twice" "$(<err)" "tare: cannot make the page 'missing/%p': No such file or directory: it is in memory
tare: cannot make the page 'missing/%p': No such file or directory: it is in memory"
TARE_PAGE=$'nosuch/\e[31m\n' hello >out 2>err
equal "control characters" "$(<err)" "tare: cannot make the page 'nosuch/?[31m?': No such file or directory: it is in memory"
TARE=off TARE_PAGE=/nosuch/p.page hello >out 2>err
equal "errors, switched off" "$(<err)" ""
tare run -o result.json hello >out 2>err
equal "of a page, by tare run" "$(grep page err)" "" # what measuring took may be there

begin_case "and where the disk is full"
cat >full.sh <<'END'
mount -t tmpfs -o size=64k none folder || exit 77
TARE_PAGE=folder/page "$@" >out 2>err
echo "$?" >code
ls -A folder >left
END
if unshare -m bash full.sh hello 2>/dev/null; then
    equal "exit code" "$(<code)" 0
    equal "output" "$(<out)" "$answer"
    equal "errors" "$(<err)" "tare: cannot make the page 'folder/page': No space left on device: it is in memory"
    equal "files left there" "$(<left)" ""
else
    skip_case "no mounts of our own here"
fi

begin_case "a stderr that nobody hears, or that is closed, does no harm"
cat >deaf.py <<'END'
import os, resource, signal, subprocess, sys
def run(stderr, before=None):
    done = subprocess.run(["hello"], stdout=subprocess.PIPE, stderr=stderr, env=dict(os.environ, TARE_PAGE="/nosuch/p"),
                          preexec_fn=before, restore_signals=True, timeout=60)
    return f"{done.returncode} {done.stdout.decode().strip()}"
read, write = os.pipe()
os.close(read)
said = [run(write)] # nobody reads
read, write = os.pipe()
os.set_blocking(write, False)
try:
    while True:
        os.write(write, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(write, True)
said.append(run(write)) # full
with open("large", "wb") as large:
    large.truncate(100)
    large.seek(100)
    said.append(run(large, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))) # may not grow
said.append(run(None, lambda: os.close(2)))
with open("/dev/full", "wb") as full:
    said.append(run(full))
with open("/dev/null", "rb") as unwritable:
    said.append(run(unwritable))
print("\n".join(said))
END
python deaf.py >said
equal "how the six of them end" "$(uniq -c said | tr -s ' ')" " 6 0 $answer"

begin_case "TARE_REPORT: to a file, stderr or stdout"
TARE_REPORT=table hello >out 2>err
equal "exit code" $? 0
equal "output" "$(<out)" "$answer"
equal "errors" "$(<err)" ""
check "the file has it" grep -Eq '^hello::next_prime +10000 ' table
TARE_REPORT=stderr hello >out 2>err
equal "output" "$(<out)" "$answer"
check "stderr has it" grep -Eq '^hello::next_prime +10000 ' err
TARE_REPORT=stdout hello >out 2>err
equal "output begins" "$(head -n 1 out)" "$answer"
check "stdout has it" grep -Eq '^hello::next_prime +10000 ' out
equal "errors" "$(<err)" ""

begin_case "TARE_REPORT where it cannot be written changes nothing"
for path in folder missing/report /dev/full ''; do
    equal "output with '$path'" "$(TARE_REPORT=$path hello 2>&1)" "$answer"
done
TARE_REPORT=stdout hello >/dev/full 2>err
equal "exit code, stdout full" $? 0
TARE_REPORT=stdout hello >&- 2>err
equal "exit code, stdout closed" $? 0
TARE_REPORT=stderr hello >out 2>&-
equal "exit code, stderr closed" $? 0
equal "output, stderr closed" "$(<out)" "$answer"

finish
