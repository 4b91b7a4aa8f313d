#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare top: as text for scripts, and as a screen, driven through tmux, which is a terminal that can be asked what is on it.

load common

eval "$(declare -f teardown | sed '1s/teardown/teardown_programs/')"

teardown() {
    tmux_ kill-server 2>/dev/null || true
    teardown_programs
}

needs_screen() {
    command -v tmux >/dev/null || skip "no tmux"
    [[ $(tare info) == *$'\nncursesw  '[0-9]* ]] || skip "built without ncursesw"
}

tmux_() {
    env -u TMUX tmux -u -L "tare-$$-$BATS_TEST_NUMBER" -f /dev/null "$@" 3>&-
}

# screen WIDTHxHEIGHT ARGUMENT...: tare top on a terminal of that size. Its modes before and after are in the files before and
# after, its exit code in code. The terminal stays when it has ended.
screen() {
    local size=$1
    shift
    needs_screen
    rm -f before after code top.pid
    cat >pane.sh <<'END'
trap : INT QUIT # they are meant for the command
stty -a >before
sh -c 'echo $$ >top.pid; exec "$@"' - "$@"
echo $? >code.new
stty -a >after
mv code.new code
exec cat
END
    tmux_ new-session -d -x "${size%x*}" -y "${size#*x}" "exec sh ./pane.sh tare top ${*@Q}"
    tmux_ set-option -g status off
    tmux_ resize-window -x "${size%x*}" -y "${size#*x}"
}

shown() {
    tmux_ capture-pane -p
}

seen() {
    shown | grep -qF -- "$1"
}

unseen() {
    ! seen "$1"
}

keys() {
    tmux_ send-keys "$@"
}

# await_seen TEXT: also says what was there instead.
await_seen() {
    await seen "$1" || fail "$(shown)" || return
}

state_of_terminal() {
    tmux_ display-message -p "alternate #{alternate_on} cursor #{cursor_flag} keypad #{keypad_flag} #{keypad_cursor_flag}"
}

# The terminal is as it was: its own screen, with a cursor, and the same modes.
is_clean() {
    [ "$(cat code)" = "${1:-0}" ] || fail "exit code $(cat code)" || return
    await eval '[ "$(state_of_terminal)" = "alternate 0 cursor 1 keypad 0 0" ]' || fail "$(state_of_terminal)" || return
    diff before after
}

# enabled NAME: whether the instrument of process $pid is, by another command.
enabled() {
    tare top "$pid" --once --window 0.05 --format json | python -c 'import json, sys
for i in json.load(sys.stdin)["processes"][0]["instruments"]:
    if i["name"] == sys.argv[1]:
        print("yes" if i["enabled"] else "no")' "$1"
}

is_enabled() {
    [ "$(enabled "$1")" = "$2" ]
}

# Text

@test "--once: every panel in which there is something, as text alone" {
    start telemetry
    run -0 --separate-stderr tare top "$pid" --once --enable 'telemetry::*'
    [ -z "$stderr" ]
    expect first "${lines[0]}" "$pid telemetry  up *last *s"
    expect timers "$output" $'*\ntimers\n*● telemetry::read_file *'
    expect values "$output" $'*\nvalues\n*● telemetry.sent{proto=tcp} *B*What left this machine*● telemetry.temperature * gauge * -*'
    expect frames "$output" $'*\nframes\n● telemetry.view *since the start *0 dropped, *frames/s*1/avg*1% low*0.1% low*slow frames, over 25.00ms*'
    expect hotspots "$output" $'*\nhotspots\n*0xc0ffee00 *50.0%*'
    ! grep -q $'\033' <<<"$output"
    is_enabled read_file no # switched back
}

@test "--once: rates are known, because it waits for a window" {
    start telemetry
    run -0 tare top "$pid" --once --window 1 --enable telemetry::write_out
    awk '$2 == "telemetry::write_out" && $3 + 0 > 0 && $4 ~ /ms$/ { found = 1 } END { exit !found }' <<<"$output"
}

@test "--once: nothing enabled is said, and how to change it" {
    start telemetry
    run -0 tare top "$pid" --once --window 0.05
    [ "${lines[1]}" = "no timer is on: --enable GLOB switches timers on" ]
}

@test "every value has its unit, beside what came in the window" {
    start units
    COLUMNS=200 run -0 --separate-stderr tare top --once "$pid"
    expect "on 200 columns" "$output" "*in window* units.heat * gauge * 0 celsius * 21 celsius peak 21 celsius* units.flow * 0B/s * 976.6KiB/s peak 976.6KiB/s*"
    [[ $output == *"units.line "*" kbit/s/s "*" kbit/s "*" kbit/s"$'\n'* ]]
    [[ $output == *"units.spent "*"s/s "* ]]
    [[ $output == *"units.load "*"%/s "*"% "* ]]
    [[ $output == *"units.width "*" pixels p50 "*" pixels  in all "*", avg "*" pixels"* ]]
    [[ $output == *"0x1000 "*"% "*"s "*" 0ns "* ]]
    [[ $output == *"cpu.mips "*" MIPS "* && $output == *"memory.configured_bytes{region=heap} "*" 256.0MiB"* ]]
    COLUMNS=80 run -0 --separate-stderr tare top --once "$pid"
    expect "on 80 columns" "$output" "* units.heat * 21 celsius change 0 celsius*"
    [ "$(wc -L <<<"$output")" -le 80 ]
}

@test "threads that count are not all that there are" {
    start units
    run -0 --separate-stderr tare top --once "$pid"
    expect "the first line" "${lines[0]}" "*  1 of 2 threads count  *"
}

@test "frames: a window of more than the ring keeps is of all of them, beside the ring, and all" {
    start units
    COLUMNS=140 run -0 --separate-stderr tare top --once --window 2 "$pid"
    # frames/s 1/avg median 1%low 0.1%low p50 p95 p99 max CoV frames slow dropped
    local row
    row=($(grep '^  in ring ' <<<"$output"))
    [ "${row[12]}" = 64 ]
    row=($(grep '^  window ' <<<"$output"))
    [ "${row[10]}" = - ] && [ "${row[11]}" -gt 64 ] && [ "${row[6]}" != - ]
    row=($(grep '^  all ' <<<"$output"))
    [ "${row[1]}" = - ] && [ "${row[10]}" = - ] && [ "${row[11]}" -gt 200 ] && [ "${row[6]}" != - ]
}

@test "--format json: a line for each snapshot" {
    start telemetry
    run -0 --separate-stderr tare top "$pid" --format json --window 0.1
    [ "${#lines[@]}" = 1 ]
    run -0 --separate-stderr tare top "$pid" --format json --count 3 --interval 0.1 --window 0.1
    [ "${#lines[@]}" = 3 ]
    python - "$output" "$pid" <<'END'
import json, sys
for line in sys.argv[1].splitlines():
    snapshot = json.loads(line)
    assert snapshot["schema"] == "tare-live", snapshot["schema"]
    process, = snapshot["processes"]
    assert process["pid"] == int(sys.argv[2])
    assert {i["kind"] for i in process["instruments"]} == {"timer", "counter", "gauge", "histogram", "state", "topk", "frames"}
END
}

@test "--filter, --total" {
    start telemetry
    run -0 tare top "$pid" --once --window 0.05 --filter SENT
    [[ $output != *telemetry.sent* ]] # capitals stand for themselves
    run -0 tare top "$pid" --once --window 0.05 --filter sent --total
    expect first "${lines[0]}" "*since the start"
    expect output "$output" "*telemetry.sent*"
    [[ $output != *telemetry.depth* && $output != *read_file* ]]
    run -0 tare top "$pid" --once --window 0.05 --filter '*.s?ze'
    [[ $output == *telemetry.size* && $output != *telemetry.sent* ]]
    run -0 tare top "$pid" --once --window 0.05 --filter '*.sent' # a pattern need not say labels
    [[ $output == *"telemetry.sent{proto=tcp}"* ]]
    run -0 tare top "$pid" --once --window 0.05 --filter zzzz
    [ "${lines[-1]}" = "nothing matches 'zzzz'" ]
}

@test "what measuring takes stands in the first line, and nothing where no timer is on" {
    start telemetry
    run -0 tare top "$pid" --once --window 0.5 --enable '*'
    [[ ${lines[0]} =~ " measuring "[0-9.]+% ]]
    run -0 tare top "$pid" --once --window 0.05
    [[ ${lines[0]} != *measuring* ]]
}

@test "Enter: all that is known of one instrument; Enter and Esc go back" {
    start telemetry
    screen 80x24 "$pid"
    keys 2
    await_seen telemetry.sent
    keys Enter
    await_seen "labels        proto=tcp"
    await_seen "What left this machine"
    await_seen "telemetry.c:"
    await_seen "since start"
    keys Escape
    await unseen "since start"
    keys Enter
    await_seen "since start"
    keys Enter
    await unseen "since start"
    keys q
    await test -e code
    is_clean
}

# A program of a name of its own, as others may run the same one at the same time.
named_apart() {
    own=tele${BASHPID}x
    ln -s "$(command -v telemetry)" "$own"
}

@test "by name; all; and text where there is no terminal" {
    named_apart
    start "./$own"
    run -0 --separate-stderr tare top "${own%x}*" --window 0.05
    expect stdout "$output" "$pid $own *"
    [ "$stderr" = "tare: standard output is no terminal: text, as with --once" ]
    run -0 tare top --once --window 0.05
    expect output "$output" "*$pid $own  up *"
}

@test "--keep leaves switched what was switched" {
    start telemetry
    run -0 tare top "$pid" --once --window 0.05 --enable telemetry::read_file --keep
    is_enabled read_file yes
    is_enabled parse_line no
}

@test "ASCII alone where the locale is not UTF-8" {
    start telemetry
    LC_ALL=C run -0 tare top "$pid" --once --window 0.2 --enable '*'
    ! LC_ALL=C grep -q '[^ -~]' <<<"$output"
    expect output "$output" '** telemetry::read_file *##*'
}

@test "what cannot be watched: a line of error" {
    start telemetry
    run -2 tare top 4194303
    [ "$output" = "tare: cannot look into process 4194303: No such process" ]
    run -2 tare top "$$"
    expect output "$output" "tare: process $$ has no page: *"
    run -2 tare top telemetri --once
    [ "$output" = "tare: no live process with a page is called 'telemetri': did you mean 'telemetry'?" ]
    run -2 tare top "$pid" --enable telemetry::read_fiel --once
    [ "$output" = "tare: no instrument matches 'telemetry::read_fiel': did you mean 'telemetry::read_file'?" ]
    run -2 tare top "$pid" "$pid"
    [ "$output" = "tare: one process at a time, or all: tare top [PID|NAME]" ]
    run -2 tare top --interval 0.01
    [ "$output" = "tare: '0.01' is no number from 0.05 to 60 for --interval" ]
    run -2 tare top 0
    [ "$output" = "tare: '0' is not a number from 1 to 4194304 for a process id" ]
    run -2 bash -c "tare top $pid --once --window 0.05 2>&1 >/dev/full"
    [ "$output" = "tare: cannot write to standard output: No space left on device" ]
}

# Screen

@test "80x24: figures, and nothing beyond the edge" {
    start telemetry
    screen 80x24 "$pid" --enable 'telemetry::*'
    await_seen "telemetry::write_out"
    await eval 'shown | grep -Eq "write_out +[0-9.]+ +[0-9.]+ms +[0-9.]+.?s +[0-9.]+ms +[0-9.]+%"'
    expect title "$(shown | head -1)" " $pid telemetry  up *last *s"
    [ "$(shown | wc -l)" -le 24 ]
    [ "$(shown | LC_ALL=C.UTF-8 wc -L)" -le 80 ]
    keys q
    await test -e code
    is_clean
    is_enabled read_file no
}

@test "200x60: more columns, and more panels below" {
    start telemetry
    screen 200x60 "$pid"
    keys 1
    await_seen "declared at"
    await_seen "telemetry.c:"
    await_seen "frames/s"
    await_seen "0xc0ffee00"
    keys q
    await test -e code
    is_clean
}

@test "each panel, by number and by Tab" {
    start telemetry
    screen 80x24 "$pid"
    keys 1
    await_seen "no timer is on: space switches one on"
    keys 2
    await_seen "What left this machine"
    keys 3
    await_seen "slow frames, over 25.00ms"
    keys Tab # the sets have nothing
    await_seen "0xc0ffee00"
    keys Tab
    await_seen "telemetry::parse_line"
    keys 4
    await_seen "this process has none of these"
    keys '?'
    await_seen "any other key goes back"
    keys Escape
    await_seen "this process has none of these"
    keys q
    await test -e code
}

@test "space switches the selected instrument, and the end switches it back" {
    start telemetry
    screen 80x24 "$pid"
    keys 1
    await_seen "telemetry::read_file"
    keys Down
    keys Space
    await_seen "telemetry::parse_line: on"
    is_enabled parse_line yes
    is_enabled read_file no
    await eval 'shown | grep -Eq "● telemetry::parse_line +[1-9]"'
    keys Space
    await_seen "telemetry::parse_line: off"
    is_enabled parse_line no
    keys a
    await_seen "3 instruments: on"
    await has_enabled "$pid" 3
    keys 2
    await_seen "telemetry.sent"
    keys Space
    await_seen "telemetry.sent{proto=tcp}: off"
    is_enabled sent no
    keys q
    await test -e code
    is_clean
    has_enabled "$pid" 0
    is_enabled sent yes
}

@test "a filter as it is typed, kept by Enter and undone by Esc; a is for what it lets through" {
    start telemetry
    screen 80x24 "$pid"
    keys 1
    await_seen "telemetry::read_file"
    keys /
    await_seen "filter:"
    keys -l par
    await unseen "telemetry::read_file"
    await_seen "telemetry::parse_line"
    keys Escape
    await_seen "telemetry::read_file"
    keys / '*_line' Enter
    await_seen "1 of 3 timers, by busy, filter '*_line'"
    keys a
    await_seen "telemetry::parse_line: on"
    has_enabled "$pid" 1
    keys q
    await test -e code
}

# order: the timers from top to bottom.
order() {
    shown | grep -o 'telemetry::[a-z_]*' | tr '\n' ' '
}

has_order() {
    [ "$(order)" = "$1" ]
}

@test "sorting, by the next column and the other way round" {
    start telemetry
    screen 80x24 "$pid" --enable '*'
    await_seen ", by busy"
    await has_order "telemetry::write_out telemetry::read_file telemetry::parse_line "
    keys r
    await has_order "telemetry::parse_line telemetry::read_file telemetry::write_out "
    keys r
    await_seen "▾busy"
    keys s # no column that is not on the screen
    await_seen "3 timers, by total"
    await_seen "▾total"
    keys s
    await unseen ", by"
    await has_order "telemetry::read_file telemetry::parse_line telemetry::write_out "
    keys s
    await_seen ", by timer"
    await has_order "telemetry::parse_line telemetry::read_file telemetry::write_out "
    keys S
    await unseen ", by"
    keys q
    await test -e code
}

@test "freezing: nothing changes until it is undone" {
    start telemetry
    screen 80x24 "$pid"
    keys 2
    await_seen telemetry.sent
    keys f
    await_seen FROZEN
    tare top "$pid" --once --window 0.3 >/dev/null # all of it is drawn by then
    before=$(shown)
    tare top "$pid" --once --window 0.6 >/dev/null # more than two refreshes
    [ "$(shown)" = "$before" ]
    keys Space
    await_seen "the screen is frozen: press f first"
    keys f
    await unseen FROZEN
    await eval '[ "$(shown | grep sent)" != "$(grep sent <<<"$before")" ]'
    keys q
    await test -e code
}

@test "e writes the snapshot, and never over a file" {
    start telemetry
    screen 80x24 "$pid"
    keys 1
    await_seen telemetry::read_file
    for count in 1 2 3; do
        keys e
        await eval "[ \"\$(ls tare-top-$pid-*.json | wc -l)\" = $count ]"
    done
    await_seen "wrote 'tare-top-$pid-"
    for file in tare-top-*.json; do
        python -c 'import json, sys
snapshot = json.load(open(sys.argv[1]))
assert snapshot["schema"] == "tare-live" and snapshot["processes"][0]["name"] == "telemetry"' "$file"
    done
    keys q
    await test -e code
}

@test "where no file can be written, e says so, and it goes on" {
    start telemetry
    needs_screen
    cat >pane.bash <<END
(ulimit -f 0 && exec tare top $pid)
cd /proc/self && tare top $pid
exec cat
END
    tmux_ new-session -d -x 80 -y 24 "exec bash ./pane.bash"
    for what in "File too large" "No such file or directory"; do
        keys 2
        await_seen telemetry.sent
        keys e
        await_seen "cannot write 'tare-top-$pid-"
        await_seen "$what"
        keys 1
        await_seen telemetry::read_file
        keys q
        await unseen telemetry::read_file
    done
    ! ls tare-top-* 2>/dev/null
}

@test "what somebody else is switching is not switched, and says so" {
    start telemetry
    tare top "$pid" --format json --count 100000 --interval 0.05 --window 0.05 --enable telemetry::write_out >/dev/null 3>&- &
    started+=($!)
    await has_enabled "$pid" 1
    screen 80x24 "$pid"
    keys 1
    await_seen telemetry::read_file
    keys a
    await_seen "cannot switch that: another tare is switching its instruments"
    has_enabled "$pid" 1
    keys q
    await test -e code
    is_clean
    has_enabled "$pid" 1 # not what the other one has switched
}

@test "a program that is started again is named" {
    named_apart
    start "./$own"
    one=$pid
    screen 80x24 "$own"
    keys 2
    await_seen telemetry.sent
    kill "$one"
    await_seen "$one $own  ended"
    start "./$own"
    await_seen "process $pid of that name runs: p"
    keys p
    await_seen " $pid $own"
    keys q
    await test -e code
    is_clean
}

@test "z asks, and voids what was counted" {
    start telemetry
    screen 80x24 "$pid"
    keys 2
    await_seen telemetry.sent
    keys z
    await_seen "void what 5 instruments counted so far? y or n"
    keys n
    await_seen "nothing was voided"
    sent() { tare top "$pid" --once --window 0.05 --format json | python -c 'import json, sys
print(next(i["total"]["total"] for i in json.load(sys.stdin)["processes"][0]["instruments"] if i["name"] == "sent") or 0)'; }
    [ "$(sent)" -gt 0 ]
    kill -STOP "$pid" # it would go on counting from 0
    keys z
    await_seen "void what 5 instruments"
    keys y
    await_seen "5 instruments: what was counted is void"
    [ "$(sent)" = 0 ]
    kill -CONT "$pid"
    await eval '[ "$(sent)" -gt 0 ]'
    keys q
    await test -e code
}

@test "totals instead of the window, and another window" {
    start telemetry
    screen 80x24 "$pid"
    keys 1
    await_seen "calls/s"
    keys t
    await_seen "since the start"
    await unseen "calls/s"
    keys t
    keys w
    await_seen "window of 2 s"
    await_seen "last 2"
    keys Space # what was chosen is still what is switched
    await_seen ": on"
    keys W
    await_seen "window of 1 s"
    has_enabled "$pid" 1
    keys q
    await test -e code
    has_enabled "$pid" 0
}

@test "whichever way it ends, the terminal is as before, and what was switched, too" {
    start telemetry
    for way in q C-c 'C-\' TERM HUP INT QUIT; do
        screen 80x24 "$pid" --enable '*'
        await_seen telemetry::read_file
        await has_enabled "$pid" 3
        [ "$(state_of_terminal)" != "alternate 0 cursor 1 keypad 0 0" ]
        case $way in
            q | C-*) keys "$way" ;;
            *) kill -"$way" "$(cat top.pid)" ;;
        esac
        await test -e code || fail "$way did not end it" || return
        is_clean || fail "after $way" || return
        has_enabled "$pid" 0
        tmux_ kill-server
    done
}

# one_by_one COMMAND...: a session in which each Enter starts it anew; what screen() writes is written each time.
one_by_one() {
    needs_screen
    rm -f before after code top.pid
    cat >pane.bash <<'END'
trap : INT QUIT
ulimit -c 0
stty -a >before
while read -r _; do
    sh -c 'echo $$ >top.pid.new; mv top.pid.new top.pid; exec "$@"' - "$@"
    echo $? >code.new
    stty -a >after
    mv code.new code
done
END
    tmux_ new-session -d -x 80 -y 24 "exec bash ./pane.bash ${*@Q}"
    tmux_ set-option -g status off
}

in_use() {
    [[ $(state_of_terminal) == "alternate 1 cursor 0 "* ]]
}

# ended_by SIGNAL: starts the next one, and what it ended with is in the file code.
ended_by() {
    rm -f code top.pid
    keys Enter
    await test -e top.pid
    await in_use || fail "$(shown)" || return
    await_seen telemetry::read_file || return
    kill -"$1" "$(cat top.pid)"
    await test -e code || fail "signal $1 did not end it"
}

@test "whichever signal it dies of: the terminal is clean, what was switched is switched back, and the status says it" {
    start telemetry
    one_by_one tare top "$pid" --enable '*'
    local last number name
    last=$(kill -l RTMAX)
    for ((number = 1; number <= last; number++)); do
        name=$(kill -l "$number" 2>/dev/null) || continue
        case $name in
            '') continue ;; # 32 and 33 are the C library's own
            HUP | INT | QUIT | TERM) continue ;;          # they are an end as asked for
            KILL | STOP | CHLD | CONT | URG | WINCH | TSTP | TTIN | TTOU) continue ;;
            ILL | TRAP | ABRT | BUS | FPE | SEGV | SYS) continue ;; # below
        esac
        ended_by "$number" || return
        is_clean $((128 + number)) || fail "after $name" || return
        has_enabled "$pid" 0 || fail "after $name" || return
    done
}

@test "a crash leaves the terminal clean, too" {
    [ -z "${TARE_SANITIZER:-}" ] || skip "$TARE_SANITIZER has a handler of its own"
    start telemetry
    one_by_one tare top "$pid" --enable '*'
    for name in ILL TRAP ABRT BUS FPE SEGV SYS; do
        ended_by "$name" || return
        is_clean $((128 + $(kill -l "$name"))) || fail "after $name" || return
    done
    tmux_ kill-server # and a terminal without a second screen: what is written next stands below
    one_by_one env TERM=vt100 tare top "$pid" --enable '*'
    keys Enter
    await_seen telemetry::read_file
    kill -SEGV "$(cat top.pid)"
    await test -e code
    diff before after
    [ "$(tmux_ display-message -p '#{cursor_y}')" = 23 ]
}

@test "stopped, the terminal is given back, and fg goes on" {
    needs_screen
    start telemetry
    cat >pane.bash <<'END'
set -m
stty -a >before
sh -c 'echo $$ >top.pid; exec env --default-signal=TTIN,TTOU tare top "$1" --enable "*"' - "$1"
for i in 1 2 3; do
    stty -a >stopped.new
    mv stopped.new stopped
    read -r
    fg
done
stty -a >after
echo 0 >code
exec cat
END
    tmux_ new-session -d -x 80 -y 24 "exec bash ./pane.bash $pid"
    keys 1
    await_seen telemetry::read_file
    for way in C-z TTIN TTOU; do
        rm -f stopped
        if [ "$way" = C-z ]; then
            keys C-z
        else
            kill -"$way" "$(cat top.pid)"
        fi
        await test -e stopped || fail "$way" || return
        diff before stopped
        await eval '[ "$(state_of_terminal)" = "alternate 0 cursor 1 keypad 0 0" ]' || fail "$way" || return
        has_enabled "$pid" 3 # it will go on
        keys Enter
        await_seen telemetry::read_file
        await in_use || fail "$way" || return
    done
    keys 2
    await_seen telemetry.sent
    keys q
    await test -e code
    is_clean
    has_enabled "$pid" 0
}

gone() {
    ! kill -0 "$1" 2>/dev/null
}

@test "a terminal that vanishes ends it, also where SIGHUP is ignored" {
    # SIGCONT, which comes with the hang-up, undoes the stop that the search for leaks waits for.
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
    start telemetry
    for ignored in '' HUP; do
        needs_screen
        rm -f top.pid
        cat >pane.bash <<END
${ignored:+trap '' HUP}
sh -c 'echo \$\$ >top.pid; exec tare top $pid --enable "*"'
END
        tmux_ new-session -d -x 80 -y 24 "exec bash ./pane.bash"
        keys 1
        await_seen telemetry::read_file
        await has_enabled "$pid" 3
        tmux_ kill-server
        await gone "$(cat top.pid)" || fail "SIGHUP ${ignored:+is ignored}" || return
        has_enabled "$pid" 0
    done
}

@test "output that Ctrl-S has stopped hinders no signal" {
    start telemetry
    screen 80x24 "$pid" --enable '*'
    await_seen telemetry::read_file
    keys C-s
    keys 2 # would be drawn
    kill -TERM "$(cat top.pid)"
    await test -e code
    is_clean
    has_enabled "$pid" 0
}

@test "nobody reads the text any more: what was switched is switched back" {
    start telemetry
    run bash -c "trap - PIPE; tare top $pid --format json --count 1000 --interval 0.05 --window 0.05 --enable '*' | head -c 100 >/dev/null; echo \${PIPESTATUS[0]}"
    [ "$output" = 141 ]
    has_enabled "$pid" 0
}

@test "a process that ends while it is watched: its last figures stay" {
    start telemetry
    screen 80x24 "$pid"
    keys 2
    await_seen telemetry.sent
    kill "$pid"
    await_seen "$pid telemetry  ended; these are its last totals"
    await_seen "since the start"
    await_seen telemetry.sent
    keys t
    await_seen "ended; no window is left"
    keys q
    await test -e code
    is_clean
}

@test "a list of the processes, of which one is chosen" {
    start telemetry
    one=$pid
    start scenes sleep
    screen 80x24
    await_seen " $one telemetry"
    await_seen " $pid scenes"
    keys / scenes Enter
    await unseen " $one telemetry"
    keys Enter
    await_seen "scenes::step"
    await_seen "$pid scenes  up"
    keys p
    await_seen " $one telemetry"
    keys Escape
    await_seen "scenes::step"
    keys q
    await test -e code
    is_clean
}

@test "another size while it runs, and one that is too small" {
    start telemetry
    screen 80x24 "$pid"
    keys 1
    await_seen "net p99"
    await unseen "net p50"
    tmux_ resize-window -x 150 -y 30
    await_seen "net p50"
    tmux_ resize-window -x 30 -y 8
    await_seen "30x8 is too small"
    tmux_ resize-window -x 40 -y 10
    await_seen "telemetry::read_file" || await_seen "read_file"
    tmux_ resize-window -x 80 -y 24
    await_seen "net p99"
    keys q
    await test -e code
    is_clean
}

@test "plain terminals do" {
    start telemetry
    for term in xterm vt100 screen linux; do
        infocmp "$term" >/dev/null 2>&1 || continue
        TERM_OF_PANE=$term
        needs_screen
        rm -f code
        cat >pane.sh <<END
stty -a >before
TERM=$TERM_OF_PANE tare top $pid
echo \$? >code.new
stty -a >after
mv code.new code
exec cat
END
        tmux_ new-session -d -x 80 -y 24 "exec sh ./pane.sh"
        keys 1
        await_seen "telemetry::read_file" || fail "$term" || return
        keys 2
        await_seen telemetry.sent || fail "$term" || return
        keys q
        await test -e code
        [ "$(cat code)" = 0 ]
        diff before after || fail "$term" || return
        tmux_ kill-server
    done
}

@test "a terminal that is not known, or cannot move its cursor: an error, and --once works" {
    start telemetry
    needs_screen
    TERM=no-such run -2 on_terminal tare top "$pid"
    expect output "$output" "tare: terminal 'no-such' is not known here: set TERM to one that is (xterm, vt100), or use --once*"
    TERM=dumb run -2 on_terminal tare top "$pid"
    expect output "$output" "tare: terminal 'dumb' has no cursor to move: set TERM to what it is, or use --once*"
    run -2 on_terminal env -u TERM tare top "$pid"
    expect output "$output" "tare: TERM is not set: *"
    TERM=no-such run -0 on_terminal tare top "$pid" --once --window 0.05
    expect output "$output" "*telemetry.sent*"
}

# coloured: whether a colour is on the screen, by what tmux kept of each cell.
coloured() {
    tmux_ capture-pane -p -e | grep -qE $'\033\\[([0-9;]*;)?(3[0-8]|9[0-7])(;|m)'
}

@test "colours, and none with NO_COLOR" {
    start telemetry
    screen 80x24 "$pid"
    keys 3
    await_seen "frames/s"
    await coloured
    keys q
    await test -e code
    tmux_ kill-server
    export NO_COLOR=1
    screen 80x24 "$pid"
    keys 3
    await_seen "frames/s"
    ! coloured
    keys q
    await test -e code
    is_clean
}

@test "--count ends the screen by itself" {
    start telemetry
    screen 80x24 "$pid" --count 3 --interval 0.05
    await test -e code
    is_clean
}
