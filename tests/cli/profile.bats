#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare profile: how the mode is chosen and what is said where it cannot be, what passes through to the program and
# back, what the profile says of itself. The built-in sampler works everywhere; what needs perf is tested with it,
# and skipped, where it may not be used.

load common
load profile_helpers

without_perf() {
    mkdir -p tools
    ln -sf "$(command -v sh)" "$(command -v env)" tools/
    without=$build_dir/bin:$PWD/tools
}

@test "profile: without perf, the built-in sampler is taken, and it says so" {
    needs_sampler
    without_perf
    run -0 --separate-stderr env PATH="$without" tare profile -F 997 -o p.json -- sh -c "$busy"
    [ -z "$output" ]
    [ "$(in_profile p.json 'p["mode"]')" = built-in ]
    expect reason "$(in_profile p.json 'p["reason"]')" "*perf*"
    [ "$(in_profile p.json 'p["lost"]')" = 0 ]
}

@test "profile: perf that is forbidden is as good as none, and its reason is told" {
    needs_sampler
    fake_perf <<'END'
#!/bin/sh
[ "$1" = --version ] && { echo "perf version 6.1.1"; exit 0; }
echo "Error:
Access to performance monitoring and observability operations is limited.
perf_event_paranoid setting is 4:" >&2
exit 255
END
    run -0 --separate-stderr tare profile -F 997 -o p.json -- sh -c "$busy"
    [ "$(in_profile p.json 'p["mode"]')" = built-in ]
    run -125 --separate-stderr tare profile --mode fp -- true
    expect stderr "$stderr" "tare: --mode fp cannot work: *; --mode built-in would"
    [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "profile: a perf that fails at once is said in one line" {
    needs_sampler
    fake_perf <<'END'
#!/bin/sh
echo "unknown option" >&2
exit 129
END
    run -125 --separate-stderr tare profile --mode dwarf -- true
    expect stderr "$stderr" "tare: --mode dwarf cannot work: *; --mode built-in would"
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ -z "$output" ]
}

@test "profile: the program's exit code, output, input and arguments pass through" {
    needs_sampler
    for code in 0 1 77 255; do
        run -"$code" --separate-stderr tare profile --mode built-in -- sh -c "exit $code"
    done
    run -3 --separate-stderr bash -c "printf 'one\ntwo\n' | tare profile --mode built-in -o p.json -- sh -c 'cat; echo \"\$1\" >&2; exit 3' - 'a  b'"
    [ "$output" = $'one\ntwo' ]
    [ "${stderr_lines[0]}" = "a  b" ]
}

@test "profile: a program that is not there, and one that cannot be executed" {
    touch not_executable
    run -127 --separate-stderr tare profile ./missing
    [ "$stderr" = "tare: cannot run './missing': No such file or directory" ]
    run -126 --separate-stderr tare profile ./not_executable
    [ "$stderr" = "tare: cannot run './not_executable': Permission denied" ]
    run -127 --separate-stderr tare profile cd /
    expect stderr "$stderr" "tare: cannot run 'cd': *; shells have it built in: tare profile -- sh -c '...'"
    printf '#!/nowhere/interpreter\n' >script
    chmod +x script
    needs_sampler
    run -127 --separate-stderr tare profile --mode built-in ./script
    [ "$stderr" = "tare: cannot run './script': its interpreter was not found" ]
}

@test "profile: a program that was killed gives 128 + N, and its profile" {
    needs_sampler
    run -137 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- sh -c "$busy; kill -KILL \$\$"
    expect stderr "$stderr" "tare: 'sh' was killed by signal 9 (Killed): its profile until then follows"
    [ "$(in_profile p.json 'r["passes"][0]["code"]')" = 9 ]
    [ -s p.json ]
}

@test "profile: Ctrl-C ends the program, and the profile is shown" {
    needs_sampler
    run -130 on_terminal --at ready ^C tare profile --mode built-in -F 997 -- sh -c "$busy; exec scenes sleep"
    expect output "$output" "*was killed by signal 2 (Interrupt): its profile until then follows*"
}

@test "profile: the time limit ends the program, and what it has started" {
    needs_sampler
    run -124 --separate-stderr tare profile --mode built-in --timeout 0.3 -o p.json -- sh -c 'sleep 987 & echo $! >pid; wait'
    [ ! -e "/proc/$(<pid)/stat" ] || [[ $(<"/proc/$(<pid)/stat") == *") Z "* ]]
}

@test "profile: a program too short for samples is told so, and what to do" {
    needs_sampler
    run -0 --separate-stderr tare profile --mode built-in -F 1 -- true
    expect stderr "$stderr" "tare: no samples of 'true': it took * ms of processor time, and a sample comes every 1000.0 ms; let it run longer or use -F 997: 1000 samples make shares sure to 3 points"
    [ -z "$output" ]
}

@test "profile: what cannot be written is said before the program runs" {
    run -125 --separate-stderr tare profile --mode built-in -o missing/p.json -- touch ran
    [ "$stderr" = "tare: cannot create 'missing/p.json': No such file or directory" ]
    [ ! -e ran ]
}

@test "profile: children are sampled, and named" {
    needs_sampler
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- sh -c "bash -c '$busy'; true"
    expect processes "$(in_profile p.json '[x["command"] for x in p["processes"]]')" "*bash*"
}

@test "profile: what still runs when the program has ended is let go, and that is said" {
    needs_sampler
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- sh -c "$busy; sleep 60 >/dev/null 2>&1 & echo \$! >pid; sleep 0.3"
    kill "$(<pid)"
    expect notes "$(in_profile p.json 'r["notes"]')" "*of the processes still runs: no more samples are taken there*"
}

@test "profile: what was to be preloaded still is" {
    needs_sampler
    LD_PRELOAD=libm.so.6 run -0 --separate-stderr tare profile --mode built-in -o p.json -- sh -c 'echo "$LD_PRELOAD"'
    expect output "$output" "*/libtare-profile.so:libm.so.6"
}

@test "profile: modes that cannot work say why, and what would" {
    run -125 --separate-stderr tare profile --pid $$ --for 1 --mode built-in
    expect stderr "$stderr" "tare: --mode built-in cannot profile 'process $$': it runs already, and the built-in sampler is loaded when a program starts; *"
    run -125 --separate-stderr tare profile --mode built-in -e page-faults -- true
    expect stderr "$stderr" "tare: --mode built-in*"
    run -125 --separate-stderr tare profile --by-timer --mode fp -- true
    expect stderr "$stderr" "tare: --*fp*"
    run -125 --separate-stderr tare profile --mode quick -- true
    [ "$stderr" = "tare: unknown mode 'quick': one of auto, lbr, fp, dwarf, built-in" ]
}

@test "profile: options that do not go together" {
    run -125 --separate-stderr tare profile
    expect stderr "$stderr" "tare: no program given: tare profile *"
    run -125 --separate-stderr tare profile --pid 1 true
    [ "$stderr" = "tare: --pid takes no program: leave one of them out" ]
    run -125 --separate-stderr tare profile --for 1 true
    [ "$stderr" = "tare: --for is for --pid: --timeout ends a program" ]
    run -125 --separate-stderr tare profile --pid 1 --measure-overhead
    expect stderr "$stderr" "tare: --measure-overhead *"
    run -125 --separate-stderr tare profile --off-cpu -e cycles true
    expect stderr "$stderr" "tare: --off-cpu *"
    run -125 --separate-stderr tare profile --stack-size 100 true
    [ "$stderr" = "tare: --stack-size 100 is no multiple of 8" ]
    run -125 --separate-stderr tare profile -F 0 true
    expect stderr "$stderr" "tare: *--frequency*"
    run -125 --separate-stderr tare profile --format picture true
    expect stderr "$stderr" "tare: unknown format 'picture'*"
}

@test "profile: --print-command prints a command line that a shell reads back, and runs nothing" {
    needs_perf
    run -0 --separate-stderr tare profile --mode dwarf --stack-size 4096 --print-command -- touch 'a file' "it's"
    [ ! -e 'a file' ]
    eval "set -- $output"
    expect "the program" "${*: -3}" "touch a file it's"
    expect "the command" "$output" "*perf record *dwarf,4096*"
}

@test "profile: processor time that is in no sample of perf is told" {
    needs_perf
    # Children that have ended before the first of their samples is due.
    run -0 --separate-stderr tare profile --mode fp -e cpu-clock -F 49 -- python3 -c 'import os, time
for i in range(500):
    child = os.fork()
    if child == 0:
        while time.process_time() < 0.005:
            pass
        os._exit(0)
    os.waitpid(child, 0)'
    output=$(tr -s '\n ' ' ' <<<"$output") # lines may be wrapped
    expect output "$output" "* samples stand for * s of * s of processor time*: the rest is in none, and shares are of what was sampled*"
    run -125 --separate-stderr tare profile -F 50001 -- true
    expect stderr "$stderr" "tare: '50001' is no number from 1 to 50000 for --frequency"
}

@test "profile: the result has the command of perf as it ran" {
    needs_perf
    tare profile --mode fp -F 997 -o p.json -- sh -c "echo \$\$ >pid; $busy"
    python -c 'import json, sys
words = json.load(open("p.json"))["profile"]["recorder"]
assert words[1] == "record" and words[-4:] == ["-p", open("pid").read().strip(), "--", "cat"], words'
}

@test "profile: --print-command of the built-in sampler" {
    needs_sampler
    run -0 --separate-stderr tare profile --mode built-in --print-command -- touch ran
    [ ! -e ran ]
    expect output "$output" "LD_PRELOAD=*/libtare-profile.so TARE_PROFILE=* touch ran"$'\n'"#*"
    run -0 tare profile --mode built-in --pin 0 --print-command -- touch ran
    expect "on a processor" "$output" "taskset -c 0 env LD_PRELOAD=*"
}

@test "profile: lbr, where the processor has it" {
    needs_perf
    run --separate-stderr tare profile --mode lbr -F 997 -o p.json -- sh -c "$busy"
    if [ "$status" -eq 125 ]; then
        expect "why not" "$stderr" "tare: --mode lbr cannot work: *; --mode *"
        skip "${stderr#tare: }"
    fi
    [ "$status" -eq 0 ]
    [ "$(in_profile p.json 'p["mode"]')" = lbr ]
}

@test "profile: every mode of perf that works here finds the shell's loop" {
    needs_perf
    for mode in fp dwarf; do
        run -0 --separate-stderr tare profile --mode $mode -F 997 -o p.json -- sh -c "$busy"
        [ "$(in_profile p.json 'p["mode"]')" = $mode ]
    done
}

@test "profile: an event that perf does not know is refused in one line" {
    needs_perf
    run -125 --separate-stderr tare profile -e nonsense -- touch ran
    expect stderr "$stderr" "tare: --event nonsense cannot be had: *; 'perf list' names those that can"
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ ! -e ran ]
}

@test "profile: perf leaves the program's PATH alone" {
    needs_perf
    run -0 --separate-stderr tare profile --mode fp -o p.json -- sh -c 'echo "$PATH"'
    expect output "$output" "*$PATH"
    [[ $output != "$(dirname "$(command -v perf)"):"* ]]
}

# Takes processor time until it is told to end, which it says, in order.
trap_program='for s in INT TERM HUP USR1; do trap "echo got $s; exit 5" $s; done; echo ready; while :; do :; done'

# until_file FILE TEXT: waits for it, ten seconds at most.
until_file() {
    for ((i = 0; i < 200; i++)); do
        ! grep -qs "$2" "$1" || return 0
        sleep 0.05
    done
    fail "no '$2' in '$1'"
}

@test "profile: with perf, what is sent to tare reaches the program, which ends as it likes" {
    needs_perf
    for mode in dwarf fp; do
        for signal in HUP USR1 INT TERM; do
            rm -f p.json out
            env --default-signal=INT tare profile --mode $mode -F 997 -o p.json -- bash -c "$trap_program" >out 2>err &
            tare_pid=$!
            until_file out ready
            kill -$signal $tare_pid
            code=0
            wait $tare_pid || code=$?
            [ "$code" -eq 5 ]
            [ "$(<out)" = $'ready\ngot '$signal ]
            [ -s p.json ]
            [ ! -s err ] || fail "$(<err)"
        done
    done
}

@test "profile: with perf, Ctrl-C is the program's, and the profile is shown" {
    needs_perf
    run -5 on_terminal --at ready ^C tare profile --mode dwarf -F 997 -- bash -c "$trap_program"
    expect output "$output" "*got INT*dwarf: asked for*"
    run -130 on_terminal --at ready ^C tare profile --mode fp -F 997 -- sh -c "$busy; exec scenes sleep"
    expect output "$output" "*was killed by signal 2 (Interrupt): its profile until then follows*"
}

@test "profile: with perf, the program's end is its own" {
    needs_perf
    for code in 0 5 255; do
        run -"$code" --separate-stderr tare profile --mode fp -o p.json -- sh -c "exit $code"
    done
    run -137 --separate-stderr tare profile --mode dwarf -F 997 -o p.json -- sh -c "$busy; kill -KILL \$\$"
    expect stderr "$stderr" "tare: 'sh' was killed by signal 9 (Killed): its profile until then follows"
    printf '#!/nowhere/interpreter\n' >script
    chmod +x script
    run -127 --separate-stderr tare profile --mode fp ./script
    [ "$stderr" = "tare: cannot run './script': its interpreter was not found" ]
    run -124 --separate-stderr tare profile --mode fp --timeout 0.3 -o p.json -- sleep 60
}

@test "profile: events that are counted are all taken, unless a frequency is asked for" {
    needs_perf
    run -0 --separate-stderr tare profile --mode fp -e page-faults -o p.json -- sh -c true
    [ "$(in_profile p.json 'set(p["samples"]["weight"])')" = "{1}" ]
    [ "$(in_profile p.json 'p["frequency_hz"]')" = None ]
    run -0 --separate-stderr tare profile --mode fp -e page-faults -F 99 --print-command -- true
    expect output "$output" "*-F 99 -e page-faults*"
}

@test "profile: programs with rights of their own are refused to all but root" {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to make such a program and to become somebody else"
    command -v setpriv >/dev/null || skip "no setpriv"
    cp "$(type -P true)" own
    chmod 4755 own
    mkdir -m 755 bin
    cp "$(command -v tare)" bin/
    chmod 755 . # of the test's folder
    setpriv --reuid 65534 --clear-groups test -x "$PWD/own" || skip "this folder is not everybody's"
    run -125 --separate-stderr setpriv --reuid 65534 --clear-groups "$PWD/bin/tare" profile ./own
    expect stderr "$stderr" "tare: './own' cannot be profiled: it runs with rights of its own (set-user-ID), and only root may watch it then"
}

@test "profile: a full disk is the reason given for not using perf" {
    needs_perf
    needs_sampler
    if mkdir full && mount -t tmpfs -o size=64k none full 2>/dev/null; then
        head -c 65536 /dev/zero >full/x || true
        TMPDIR=$PWD/full run --separate-stderr tare profile --mode fp -- true
        umount full
        [ "$status" -eq 125 ]
        expect stderr "$stderr" "tare: --mode fp cannot work: there is no space for perf's data in '*/full': set TMPDIR, or free some; *"
    else
        skip "nothing can be mounted here"
    fi
}

@test "profile: a process that runs needs perf, and that is said" {
    without_perf
    run -125 --separate-stderr env PATH="$without" tare profile --pid $$ --for 1
    expect stderr "$stderr" "tare: only perf can profile a process that runs: perf is not installed: *"
}

@test "profile: a signal ends the watching of a process, and the profile is kept" {
    needs_perf
    start sh -c "echo ready; while :; do $busy; done"
    tare profile --pid "$pid" -F 997 -o q.json 2>err &
    tare_pid=$!
    for ((i = 0; i < 200; i++)); do # until perf has attached
        ! pgrep -P $tare_pid -x sleep >/dev/null || break
        sleep 0.05
    done
    sleep 0.2
    kill -HUP $tare_pid
    wait $tare_pid
    [ -s q.json ]
    kill -0 "$pid"
}

@test "profile: --pid of a process that has ended, and that nobody has waited for" {
    needs_perf
    start_zombie
    run -125 --separate-stderr tare profile --mode fp --pid "$zombie" --for 0.1
    expect stderr "$stderr" "tare: process $zombie has ended: its parent has not asked how"
}

@test "profile: --pid watches a process, which goes on" {
    needs_perf
    start sh -c "echo ready; while :; do $busy; done"
    run -0 --separate-stderr tare profile --pid "$pid" --for 0.5 -F 997 -o p.json
    kill -0 "$pid"
    [ -s p.json ]
    run -125 --separate-stderr tare profile --pid 999999999 --for 1
    expect stderr "$stderr" "tare: *"
}

@test "profile: --by-timer gives samples their timer" {
    needs_sampler
    run -0 --separate-stderr tare profile --by-timer -F 997 -o p.json -- nested
    [ "$(in_profile p.json 'p["by_timer"]')" = True ]
    expect timers "$(in_profile p.json '[t["name"] for t in p["timers"]]')" "*compare*"
    run -0 --separate-stderr tare profile --by-timer -F 997 -o p.json -- sh -c "$busy"
    expect notes "$(in_profile p.json 'r["notes"]')" "*'sh' has no timers: no sample has one*"
}

@test "profile: by timers, what the timers themselves take is one frame, and in no timer's table" {
    needs_sampler
    tare profile --by-timer -F 997 -o p.json -- nested 2000000
    python - <<'END'
import json
p = json.load(open("p.json"))["profile"]
names = {p["strings"][f] for f in p["frames"]["function"] if f is not None}
assert "[measuring]" in names and not any(name.startswith("tare__") for name in names), names
END
    run -0 tare report p.json --by timer
    expect report "$output" "*timer nested::*; without *of the timers'*"
    [[ $output != *"[measuring]"* ]]
}

@test "profile: the table names mode and samples" {
    needs_sampler
    run -0 --separate-stderr tare profile --mode built-in -F 997 -- sh -c "$busy"
    expect output "$output" "*built-in*"
    [ -z "$stderr" ]
}

@test "profile: pictures and other viewers' files are written by their suffix" {
    needs_sampler
    for suffix in svg html folded speedscope.json csv md; do
        run -0 --separate-stderr tare profile --mode built-in -F 997 -o "p.$suffix" -- sh -c "$busy"
        [ -s "p.$suffix" ]
    done
    expect svg "$(head -c 200 p.svg)" "*<svg*"
}

@test "profile: a program that uses SIGPROF and timers of its own keeps them" {
    needs_sampler
    cat >timers.py <<'END'
import signal, sys
count = 0
def tick(*_):
    global count
    count += 1
signal.signal(signal.SIGPROF, tick)
signal.setitimer(signal.ITIMER_PROF, 0.02, 0.02)
while count < 5:
    pass
print("got", count)
END
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- /usr/bin/python3 timers.py
    [ "$output" = "got 5" ]
    [ "$(in_profile p.json 'p["mode"]')" = built-in ]
}

@test "profile: --measure-overhead states a ratio with its interval" {
    needs_sampler
    # It is run as often as ten seconds allow, but some fifty times at least.
    run -0 --separate-stderr tare profile --mode built-in -F 997 --measure-overhead -o p.json -- sh -c "${busy/300000/30000}"
    [ "$(in_profile p.json 'p["overhead"] is None or p["overhead"]["ratio"] is None or p["overhead"]["low"] <= p["overhead"]["ratio"] <= p["overhead"]["high"]')" = True ]
}

@test "profile: static programs cannot be sampled without perf, and that is said" {
    needs_sampler
    command -v plain_static >/dev/null || skip "the C library cannot be linked statically here"
    run -125 --separate-stderr tare profile --mode built-in -- plain_static
    expect stderr "$stderr" "tare: --mode built-in cannot profile 'plain_static': it is statically linked, and nothing can be loaded into it; *"
    run -125 --separate-stderr env PATH="$build_dir/bin:$build_dir/tests/programs" tare profile -- plain_static
    expect stderr "$stderr" "tare: 'plain_static' cannot be profiled here: *perf*; and without perf, it is statically linked*"
}

@test "profile: a program that is deleted while it runs" {
    needs_sampler
    cp "$(command -v sh)" program
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- ./program -c "rm program; $busy"
    [ ! -e program ]
    expect objects "$(in_profile p.json '[(o["path"], o["flags"]) for o in p["objects"]]')" "*/program'*'deleted'*"
}

@test "profile: code that a JIT compiler made has the names of its map file" {
    needs_sampler
    [[ $(uname -m) == @(x86_64|aarch64) ]] || skip "no code for this processor"
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.folded -- jit
    rm -f "$output"
    grep -q jit_countdown p.folded
}

@test "profile: a program that blocks all signals is sampled all the same" {
    needs_sampler
    cat >block.py <<'END'
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
for i in range(3000000):
    pass
print(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])) > 50)
END
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- /usr/bin/python3 block.py
    [ "$output" = True ]
    [ "$(in_profile p.json 'len(p["samples"]["weight"]) > 0')" = True ]
}

@test "profile: a program of very many threads" {
    needs_sampler
    cat >threads.py <<'END'
import threading
threading.stack_size(65536)
stop, started = threading.Event(), []
try:
    for i in range(10000):
        one = threading.Thread(target=stop.wait)
        one.start()
        started.append(one)
except RuntimeError:
    pass # as many as there can be
for i in range(1000000):
    pass
stop.set()
for one in started:
    one.join()
print(len(started))
END
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- /usr/bin/python3 threads.py
    [ "$output" -gt 100 ] || skip "only $output threads are allowed here"
    [ "$(in_profile p.json 'len(p["threads"]) > 1')" = True ]
    [ "$(in_profile p.json 'p["threads_missed"] is not None')" = True ]
}

@test "profile: hundreds of short processes" {
    needs_sampler
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- bash -c 'for i in {1..200}; do (:); done; for i in {1..100}; do /bin/true; done'
    [ "$(in_profile p.json 'len(p["processes"]) > 1 and p["lost"] == 0')" = True ]
    expect notes "$(in_profile p.json 'r["notes"]')" "*in no sample: it is that of threads and processes which were too short for the kernel's tick*"
}

@test "profile: a stripped program is profiled by its file" {
    needs_sampler
    command -v strip >/dev/null || skip "no strip"
    strip -o stripped "$(command -v sh)"
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- ./stripped -c "$busy"
    expect flags "$(in_profile p.json '[o["flags"] for o in p["objects"] if o["path"].endswith("/stripped")]')" "*'no-symbols'*"
}

@test "profile: with --off-cpu, calls that wait are in the profile by their names, with the time that they took" {
    needs_sampler
    [ -x /usr/bin/python3 ] || skip "no python3"
    cat >waits.py <<'END'
import ctypes, select
libc = ctypes.CDLL(None)
select.poll().poll(300)
select.select([], [], [], 0.3)
libc.usleep(300000)
libc.nanosleep((ctypes.c_long * 2)(0, 300000000), None)
END
    run -0 --separate-stderr tare profile --off-cpu --mode built-in --top 0 -- /usr/bin/python3 waits.py
    for call in poll select usleep nanosleep; do
        expect "$call" "$output" "*"$'\n'"$call *"
    done
    [[ $output != *$'\n'"syscall "* ]]
    expect event "$output" "*wall-clock, 99 Hz asked for, taken every * of a"*"thread (* Hz)*of the"*"samples stand for a whole wait*"
    # So often that the next sample is due before the one behind a wait is taken: that is of the wait, too.
    run -0 --separate-stderr tare profile --off-cpu --mode built-in -F 9999 --top 0 -- /usr/bin/python3 waits.py
    expect "often" "$output" "*"$'\n'"usleep *"
    [[ $output != *$'\n'"syscall "* ]]
    tare profile --off-cpu --mode built-in -o p.json -- /usr/bin/python3 waits.py
    # 1.2 s of waits and a little more, in some 120 intervals that are drawn from half to one and a half of 10.1 ms: the sum
    # scatters with a standard deviation of 0.29 x 10.1 ms x sqrt(120) = 32 ms, of which four are allowed.
    [ "$(in_profile p.json '(1.2 - 4 * 0.032) * 1e9 < sum(p["samples"]["weight"]) < 60e9')" = True ]
}

@test "profile: a program that ran and was not sampled is not said not to have run" {
    needs_sampler
    # So seldom that env, which is sampled until it becomes the shell, has no time for a sample.
    run -0 --separate-stderr tare profile --mode built-in -F 49 -o p.json -- env -i /bin/sh -c "$busy"
    expect stderr "$stderr" "*no samples of 'env': it ran for *ms and was not sampled: *LD_PRELOAD*"
}

@test "profile: a program that writes over the counts does not take the profile with it" {
    needs_sampler
    [ -x /usr/bin/python3 ] || skip "no python3"
    cat >damage.py <<'END'
import os
fd = os.open(os.environ["TARE_PROFILE"], os.O_RDWR)
for i in range(1000000):
    pass
os.pwrite(fd, b"\xf7" * 64, 184) # the counts, behind the head
for i in range(1000000):
    pass
END
    run -0 --separate-stderr tare profile --mode built-in -F 997 -o p.json -- /usr/bin/python3 damage.py
    [ "$(in_profile p.json 'p["lost"] is None and p["threads_missed"] is None and len(p["samples"]["weight"]) > 3')" = True ]
    expect note "$(in_profile p.json 'r["notes"]')" "*written over the memory of the samples*"
}
