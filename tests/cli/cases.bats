#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Cases that are told by what comes out of a command: cases/NAME holds cmd (a bash script), stdout, stderr and code.
# In stdout and stderr, * and ? stand for what varies. A file that is missing stands for nothing, or for code 0.
# A case is run in an empty folder. A new one needs its folder and a line here, which names it with spaces.

load common

check_case() {
    local case=$here/cases/${BATS_TEST_DESCRIPTION// /-} want_code=0 want_stdout='' want_stderr=''
    [ ! -e "$case/code" ] || want_code=$(<"$case/code")
    [ ! -e "$case/stdout" ] || want_stdout=$(<"$case/stdout")
    [ ! -e "$case/stderr" ] || want_stderr=$(<"$case/stderr")
    local code=0
    bash "$case/cmd" >"$BATS_TEST_TMPDIR.stdout" 2>"$BATS_TEST_TMPDIR.stderr" || code=$?
    expect stderr "$(<"$BATS_TEST_TMPDIR.stderr")" "$want_stderr"
    expect stdout "$(<"$BATS_TEST_TMPDIR.stdout")" "$want_stdout"
    expect "the exit code" "$code" "$want_code"
}

@test "every case is run" {
    for case in "$here"/cases/*/; do
        name=$(basename "$case")
        grep -qxF "@test \"${name//-/ }\" { check_case; }" "$BATS_TEST_FILENAME" || fail "'$name' has no line in cases.bats"
        [ -s "$case/cmd" ] || fail "'$name' has no cmd"
    done
}

@test "overview" { check_case; }
@test "no command" { check_case; }
@test "version" { check_case; }
@test "help of a command" { check_case; }
@test "help of a subcommand" { check_case; }
@test "help of an unknown command" { check_case; }
@test "unknown command near miss" { check_case; }
@test "unknown command far off" { check_case; }
@test "a program in place of a command" { check_case; }
@test "unknown option near miss" { check_case; }
@test "unknown option far off" { check_case; }
@test "unknown option with value" { check_case; }
@test "unknown letter" { check_case; }
@test "option without its argument" { check_case; }
@test "letter without its argument" { check_case; }
@test "option with an argument too many" { check_case; }
@test "option abbreviated" { check_case; }
@test "option abbreviated too much" { check_case; }
@test "options end at the program" { check_case; }
@test "options end at two dashes" { check_case; }
@test "options behind the operand" { check_case; }
@test "unknown format" { check_case; }
@test "unknown format far off" { check_case; }
@test "unknown format of a list" { check_case; }
@test "unknown unit" { check_case; }
@test "unknown colour setting" { check_case; }
@test "unknown column" { check_case; }
@test "unknown column to sort by" { check_case; }
@test "unknown clock" { check_case; }
@test "repeat is no number" { check_case; }
@test "timeout is no time" { check_case; }
@test "pin is no processor" { check_case; }
@test "pin to a missing processor" { check_case; }
@test "only is empty" { check_case; }
@test "list of columns" { check_case; }
@test "run without a program" { check_case; }
@test "run without a program after dashes" { check_case; }
@test "list without a program" { check_case; }
@test "list of two programs" { check_case; }
@test "report without a file" { check_case; }
@test "report of two files" { check_case; }
@test "attach without a process" { check_case; }
@test "attach to two processes" { check_case; }
@test "attach to no number" { check_case; }
@test "attach to a missing process" { check_case; }
@test "attach to a process without a page" { check_case; }
@test "ps with an operand" { check_case; }
@test "info with an operand" { check_case; }
@test "program not found" { check_case; }
@test "program not in PATH" { check_case; }
@test "program not executable" { check_case; }
@test "program is a folder" { check_case; }
@test "program of no known format" { check_case; }
@test "program without its interpreter" { check_case; }
@test "program without timers" { check_case; }
@test "program whose timers were not called" { check_case; }
@test "list of a program without timers" { check_case; }
@test "list of what is no program" { check_case; }
@test "list of what is missing" { check_case; }
@test "list of what is not in PATH" { check_case; }
@test "only one timer" { check_case; }
@test "only a timer that is not there" { check_case; }
@test "only what is far off" { check_case; }
@test "output into a missing folder" { check_case; }
@test "output onto a folder" { check_case; }
@test "output onto a full device" { check_case; }
@test "report of a missing file" { check_case; }
@test "report of an empty file" { check_case; }
@test "report of a folder" { check_case; }
@test "report of another schema" { check_case; }
@test "report of a newer schema" { check_case; }
@test "report of each process where there are none" { check_case; }
@test "history unknown subcommand" { check_case; }
@test "history unknown subcommand far off" { check_case; }
@test "history unknown option near miss" { check_case; }
@test "history before the subcommand an option" { check_case; }
