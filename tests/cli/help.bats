#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --help, the man pages and completion name the same commands and options.

load common

commands() {
    tare __complete | cut -f1
}

# "history add" and so on, of one command.
subcommands() {
    tare __complete "$1" | cut -f1 | grep -v ^- | sed "s/^/$1 /"
}

all_subcommands() {
    for command in $(commands); do
        subcommands "$command"
    done
}

# Options with their arguments as --help shows them: "-x --exclusive", "--only GLOB".
help_options() {
    # shellcheck disable=SC2086 # a subcommand is two words
    tare $1 --help | sed -n 's/^  \(-[a-zA-Z]\),* --/\1 --/p; s/^      --/--/p' | sed 's/  .*//' | sort
}

# The same from the man page's source: "*-x*, *--exclusive*", "*--only* _GLOB_".
man_options() {
    sed -n '/^# OPTIONS/,/^# [^O]/p' "$source_dir/docs/man/tare-$1.1.scd" | grep '^\*-' | sed 's/[*_]//g; s/,//; s/\\//g' | sort
}

# The same of a subcommand: from the parts of OPTIONS that are for every one, and those that name it.
man_options_of_subcommand() {
    awk -v sub_="${1#* }" '
        /^# / { within = $0 == "# OPTIONS"; part = 0 }
        /^## / { part = $0 == "## every subcommand"; for (i = 2; i <= NF; i++) part = part || $i == sub_ }
        within && part && /^\*-/' "$source_dir/docs/man/tare-${1% *}.1.scd" | sed 's/[*_]//g; s/,//; s/\\//g' | sort
}

@test "every command is in the overview, and has a page, options and an example" {
    [ "$(commands | wc -l)" -ge 6 ]
    for command in $(commands); do
        tare --help | grep -q "^  $command  *[a-z]" || fail "'$command' is not in the overview"
        [ -s "$source_dir/docs/man/tare-$command.1.scd" ] || fail "'$command' has no man page"
        run -0 --separate-stderr tare "$command" --help
        expect usage "${lines[0]}" "usage: tare $command *"
        expect "help of $command" "$output" $'*\nExample*:\n  *tare '"$command"*
        [ "$output" = "$(tare help "$command")" ]
        [ "$output" = "$(tare "$command" -h)" ]
        tare __complete "$command" | grep -q '^--help' || fail "'$command' has no options to complete"
    done
}

@test "every man page belongs to a command" {
    for page in "$source_dir"/docs/man/tare-*.1.scd; do
        command=$(basename "$page" .1.scd)
        commands | grep -qx "${command#tare-}" || fail "'$page' is about no command"
    done
}

@test "--help and the man page have the same options with the same arguments" {
    for command in $(commands); do
        [ -n "$(help_options "$command")" ]
        [ -z "$(subcommands "$command")" ] || continue
        [ "$(help_options "$command")" = "$(man_options "$command")" ] ||
            fail "'$command' differs (< --help, > man page):" "$(diff <(help_options "$command") <(man_options "$command"))"
    done
}

@test "every subcommand has help with an example, and is in its command's" {
    [ "$(all_subcommands | wc -l)" -ge 10 ]
    while read -r command sub; do
        tare "$command" --help | grep -q "^  $sub  *[a-z]" || fail "'$command --help' does not name '$sub'"
        run -0 --separate-stderr tare "$command" "$sub" --help
        expect usage "${lines[0]}" "usage: tare $command $sub *"
        expect "help of $command $sub" "$output" $'*\nExample*:\n  *tare '"$command $sub"*
        [ "$output" = "$(tare help "$command" "$sub")" ]
        [ "$output" = "$(tare "$command" "$sub" -h)" ]
        [ "$(wc -L <<<"$output")" -le 80 ] || fail "$command $sub is too wide" "$(grep -E '.{81}' <<<"$output")"
        grep -q "^\*tare $command $sub" "$source_dir/docs/man/tare-$command.1.scd" || fail "'$command $sub' is not in the synopsis"
    done < <(all_subcommands)
    run -2 tare help history imprt
    expect "near miss" "$output" "tare: unknown subcommand 'imprt' of 'tare history': did you mean 'import'?"
}

@test "--help of a subcommand and the man page have the same options with the same arguments" {
    while read -r command; do
        [ "$(help_options "$command" | wc -l)" -ge 3 ]
        [ "$(help_options "$command")" = "$(man_options_of_subcommand "$command")" ] ||
            fail "'$command' differs (< --help, > man page):" \
                "$(diff <(help_options "$command") <(man_options_of_subcommand "$command"))"
    done < <(all_subcommands)
}

@test "completion and --help of a subcommand have the same options" {
    while read -r command; do
        # shellcheck disable=SC2086 # two words
        [ "$(tare __complete $command | cut -f1 | sort)" = \
            "$(help_options "$command" | grep -oE -- '(^| )--?[a-zA-Z-]+' | tr -d ' ' | grep -vx -- -h | sort)" ] ||
            fail "$command: $(tare __complete $command | cut -f1)"
    done < <(all_subcommands)
}

@test "completion and --help have the same options" {
    for command in $(commands); do
        # -h is left to those who know it.
        [ "$(tare __complete "$command" | cut -f1 | grep ^- | sort)" = \
            "$(help_options "$command" | grep -oE -- '(^| )--?[a-zA-Z-]+' | tr -d ' ' | grep -vx -- -h | sort)" ] ||
            fail "$command: $(tare __complete "$command" | cut -f1)"
    done
}

@test "every column is explained in tare-report(1)" {
    for column in $(tare run --columns help | cut -d' ' -f1); do
        grep -qE "^\*$column\*|^\*.*, \*$column\*" "$source_dir/docs/man/tare-report.1.scd" || fail "'$column' is missing"
    done
}

@test "every exit code that --help names is in the man page" {
    for code in 124 125 126 127; do
        for page in run profile stat; do
            grep -q "\*$code\*" "$source_dir/docs/man/tare-$page.1.scd" || fail "$page: $code is missing"
        done
    done
    for command in $(commands); do
        [[ $command == @(run|profile|stat) ]] || grep -q '\*2\*' "$source_dir/docs/man/tare-$command.1.scd" || fail "$command: 2 is missing"
    done
}

@test "every environment variable that the header names is in tare(3)" {
    for variable in $(grep -oE '\bTARE(_[A-Z]+)?=' "$source_dir/include/tare/tare.h" | tr -d = | sort -u); do
        grep -qE "\*$variable\*" "$source_dir/docs/man/tare.3.scd" || fail "'$variable' is missing"
    done
}

@test "every public function and macro is in tare(3)" {
    names=$(sed '/ifndef TARE_DISABLE/,/define TARE__UNUSED/!d' "$source_dir/include/tare/tare.h" |
        grep -oE '\btare_[a-z_]+\(' | tr -d '(' | sort -u)
    [ "$(wc -w <<<"$names")" -ge 8 ]
    for name in $names TARE_MODULE TARE_TIMER TARE_TIMER_NAMED TARE_SCOPE TARE_BEGIN TARE_END TARE_DROP TARE_BYTES TARE_DISABLE; do
        grep -q "$name" "$source_dir/docs/man/tare.3.scd" || fail "'$name' is missing"
    done
}

@test "help fits into 80 columns" {
    for command in $(commands); do
        [ "$(tare "$command" --help | wc -L)" -le 80 ] || fail "$command is too wide" "$(tare "$command" --help | grep -E '.{81}')"
    done
}

@test "help that cannot be written: a message and a code" {
    for arguments in --help --version "run --help" "help run" "run --columns help"; do
        run bash -c "tare $arguments 2>&1 >/dev/full"
        [ "$status" -ne 0 ] || fail "tare $arguments >/dev/full exits with 0"
        expect "tare $arguments" "$output" "tare: cannot write to standard output: No space left on device"
    done
}

@test "the man pages render at 80 columns, without warnings" {
    command -v scdoc >/dev/null || skip "no scdoc"
    command -v man >/dev/null || skip "no man"
    pages=0
    for page in "$source_dir"/docs/man/*.scd; do
        name=$(basename "$page" .scd)
        scdoc <"$page" >"$name" || fail "scdoc refuses '$page'"
        MANWIDTH=80 MANROFFOPT=-rHY=0 run -0 --separate-stderr man --warnings=all -P cat -l "./$name"
        [ -z "$stderr" ] || fail "$name" "$stderr"
        plain=$(col -bx <<<"$output")
        [ "$(wc -L <<<"$plain")" -le 80 ] || fail "$name is wider than 80 columns" "$(grep -E '.{81}' <<<"$plain")"
        # man writes pages through a formatter that may not be there; then there is nothing to look at.
        [ "$(wc -l <<<"$plain")" -gt 20 ] || fail "$name renders to nothing" "$output"
        for section in NAME SYNOPSIS DESCRIPTION 'SEE ALSO'; do
            grep -qx "$section" <<<"$plain" || fail "$name has no $section"
        done
        case $name in
            tare-*.1)
                for section in OPTIONS 'EXIT STATUS' ENVIRONMENT EXAMPLES; do
                    grep -qx "$section" <<<"$plain" || fail "$name has no $section"
                done
                ;;
        esac
        pages=$((pages + 1))
    done
    [ "$pages" -ge 8 ]
}

@test "the man pages refer to pages that exist" {
    for page in "$source_dir"/docs/man/*.scd; do
        for name in $(grep -oE '\*tare(-[a-z]+)?\*\([0-9]\)' "$page" | tr -d '*()' | sort -u); do
            [ -e "$source_dir/docs/man/${name%?}.${name: -1}.scd" ] || fail "$page: no '$name'"
        done
    done
}
