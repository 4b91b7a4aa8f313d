#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare attach: reading and switching a process that runs, and leaving it as it was.

load common

@test "without options: what was counted so far" {
    start env TARE_ENABLE='*' scenes sleep
    run -0 tare attach "$pid"
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "nothing counted, nothing enabled: that is said" {
    start scenes sleep
    run -0 tare attach "$pid"
    expect output "$output" "no timer was called; 4 are declared*"
    has_enabled "$pid" 0
}

@test "too few descriptors: that is said, and not that the process or its page is gone" {
    start env TARE_ENABLE='*' scenes sleep
    lacked=0
    for command in "attach $pid" "top --once $pid" ps; do
        for most in 3 4 5 6 7 8 9 10; do
            run bash -c "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- && ulimit -n $most && exec tare $command"
            if [[ "$output" == *"Too many open files"* ]]; then
                lacked=$((lacked + 1))
            fi
            [[ "$output" != *"No such process"* && "$output" != *"has no page"* && "$output" != *"has a page"* ]] ||
                fail "tare $command with $most descriptors" "$output"
        done
    done
    [ "$lacked" -gt 0 ]
}

@test "--for: what is counted in this time, and then all is as before" {
    start scenes spin
    has_enabled "$pid" 0
    run -0 tare attach "$pid" --for 0.2
    [ "$(calls scenes::step)" -gt 0 ]
    [ "$(calls scenes::outer_step)" -gt 0 ]
    expect output "$output" "*note: counted while tare was attached; *"
    has_enabled "$pid" 0
}

@test "--for: what was counted before is not in it" {
    start env TARE_ENABLE=scenes::step scenes sleep
    run -0 tare attach --for 0.1 "$pid"
    expect output "$output" "no timer was called; *"
    has_enabled "$pid" 1
}

@test "--enable and --disable: some timers, for a while" {
    start scenes spin
    run -0 tare attach "$pid" --enable 'scenes::*' --disable scenes::outer_step --for 0.1
    [ "$(calls scenes::step)" -gt 0 ]
    [ -z "$(calls scenes::outer_step)" ]
    has_enabled "$pid" 0
    run -0 tare attach "$pid" --enable scenes::step --enable 'scenes::outer*' --for 0.1
    [ "$(calls scenes::step)" -gt 0 ]
    [ "$(calls scenes::outer_step)" -gt 0 ]
}

@test "--disable: what was enabled is so again afterwards" {
    start env TARE_ENABLE='*' scenes spin
    has_enabled "$pid" 4
    tare attach "$pid" --disable 'scenes::*step' >/dev/null 3>&- &
    attached=$!
    started+=("$attached")
    await has_enabled "$pid" 2
    kill "$attached"
    wait "$attached"
    has_enabled "$pid" 4
}

@test "Ctrl-C ends it with a table, and all is as before" {
    start scenes spin
    run -0 on_terminal --at "Ctrl-C ends it" ^C tare attach --enable '*' "$pid"
    expect output "$output" "*note: counted while tare was attached*"
    has_enabled "$pid" 0
}

@test "any of the signals that end a program puts all back" {
    start scenes spin
    for signal in INT TERM HUP QUIT; do
        # A shell without job control starts what is in the background with SIGINT and SIGQUIT ignored.
        env --default-signal=INT,QUIT tare attach "$pid" --enable '*' >table.txt 3>&- &
        attached=$!
        started+=("$attached")
        await has_enabled "$pid" 4
        counts_on "$pid"
        kill -"$signal" "$attached"
        wait "$attached"
        has_enabled "$pid" 0
        grep -q "^scenes::step " table.txt
    done
}

@test "--for cut short by Ctrl-C says so" {
    start scenes spin
    run -0 on_terminal --at "s left" ^C tare attach --for 60 "$pid"
    expect output "$output" "*note: interrupted*"
    has_enabled "$pid" 0
}

@test "the process ends while we are attached: what it counted is shown" {
    start scenes spin
    tare attach "$pid" --enable '*' >table.txt 3>&- &
    attached=$!
    started+=("$attached")
    await has_enabled "$pid" 4
    counts_on "$pid"
    kill "$pid"
    wait "$attached"
    grep -q "^scenes::step " table.txt
}

# enabled_in_page: whether each instrument of the page is enabled, as its control byte says.
enabled_in_page() {
    local file
    for file in "/proc/$pid/fd"/*; do
        if [[ $(readlink "$file") == "/memfd:tare-page"* ]]; then
            python - "$file" <<'END'
import os, struct, sys
page = os.open(sys.argv[1], os.O_RDONLY)
offset, = struct.unpack("Q", os.pread(page, 8, 32))
stride, = struct.unpack("I", os.pread(page, 4, 88))
count, = struct.unpack("I", os.pread(page, 4, 128))
print("".join(str(os.pread(page, 1, offset + i * stride)[0]) for i in range(count)))
END
        fi
    done
}

page_says() {
    [ "$(enabled_in_page)" = "$1" ]
}

@test "instruments of all kinds are switched, by either spelling of their names, and switched back" {
    start instruments
    everything=$(enabled_in_page)
    [[ $everything == 1111111111 ]]
    tare attach "$pid" --disable 'panel.io.*,panel::depth' >table.txt 3>&- &
    attached=$!
    started+=("$attached")
    off() {
        local now
        now=$(enabled_in_page)
        [ "${now//1/}" = 000 ]
    }
    await off
    kill -TERM "$attached"
    wait "$attached"
    page_says 1111111111
    run -2 tare attach "$pid" --disable 'panel.dept'
    [ "$output" = "tare: no instrument of process $pid matches 'panel.dept': did you mean 'panel.depth'?" ]
    page_says 1111111111
}

@test "a pattern that nothing matches: near misses, and nothing is switched" {
    start scenes spin
    run -2 tare attach "$pid" --enable scenes::stpe
    [ "$output" = "tare: no instrument of process $pid matches 'scenes::stpe': did you mean 'scenes::step'?" ]
    run -2 tare attach "$pid" --enable '*' --disable 'network::*'
    [ "$output" = "tare: no instrument of process $pid matches 'network::*': 'tare attach $pid --all' shows their names" ]
    has_enabled "$pid" 0
    run -2 tare attach "$pid" --enable ''
    [ "$output" = "tare: --enable needs a pattern" ]
}

@test "a process under tare run can be read" {
    start tare run --only scenes::step scenes sleep
    program=$(pgrep -P "$pid" -x scenes)
    run -0 tare attach "$program"
    [ "$(calls scenes::step)" -eq 2 ]
    kill "$program"
}

@test "formats and files as for every command with a table" {
    start env TARE_ENABLE='*' scenes sleep
    run -0 tare attach "$pid" --format csv
    expect csv "$output" "module,name,calls,*scenes,step,2,2,*"
    run -0 tare attach "$pid" -o result.json
    run -0 tare report result.json
    [ "$(calls scenes::step)" -eq 2 ]
}

@test "closed streams of ours: nothing is written into the process's page" {
    start scenes spin
    run -2 bash -c "tare attach $pid --for 0.1 2>&1 >&-"
    [ "$output" = "tare: cannot write to standard output: Bad file descriptor" ]
    run -2 bash -c "tare attach $pid --enable nothing <&- >&- 2>&-"
    run -0 tare attach "$pid" --for 0.1
    [ "$(calls scenes::step)" -gt 0 ]
    has_enabled "$pid" 0
}

@test "a process with TARE=off has no page" {
    start env TARE=off scenes sleep
    run -2 tare attach "$pid"
    [ "$output" = "tare: process $pid has no page: it does not use libtare, or was started with TARE=off" ]
}
