#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Completion in bash and zsh.

load common

# completed WORD...: what bash offers for the last word, in one line.
completed() {
    bash -c '
        source "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _tare
        echo "${COMPREPLY[*]}"' "$source_dir/completions/tare.bash" "$@"
}

@test "bash: commands" {
    [ "$(completed tare '')" = "$(tare __complete | cut -f1 | tr '\n' ' ')help --help --version" ]
    [ "$(completed tare r)" = "run report" ]
    [ "$(completed tare help li)" = list ]
    [ "$(completed tare x)" = "" ]
}

@test "bash: every option of every command" {
    for command in $(tare __complete | cut -f1); do
        [ "$(completed tare "$command" --)" = "$(tare __complete "$command" | cut -f1 | grep ^-- | tr '\n' ' ' | sed 's/ $//')" ]
    done
    [ "$(completed tare run --per)" = --per-process ]
}

@test "bash: every value that an option can have" {
    checked=0
    for command in $(tare __complete | cut -f1); do
        while IFS=$'\t' read -r option argument values help; do
            [ "$values" != - ] || continue
            [ "$(completed tare "$command" "$option" '')" = "$values" ]
            [ "$(completed tare "$command" "$option" = '')" = "$values" ] # as bash splits --option=
            checked=$((checked + 1))
        done < <(tare __complete "$command")
    done
    [ "$checked" -ge 9 ]
    [ "$(completed tare run --format = j)" = json ]
}

@test "bash: columns, also behind a comma" {
    [ "$(completed tare run --sort net)" = "net-total net" ]
    [ "$(completed tare report x --columns exclusive-n)" = exclusive-net ]
    [ "$(completed tare report x --columns name,calls,exclusive-n)" = name,calls,exclusive-net ]
}

@test "bash: files, for -o, --output and report" {
    touch result.json 'two words.json'
    [ "$(completed tare report res)" = result.json ]
    [ "$(completed tare run -o res)" = result.json ]
    [ "$(completed tare run --output = res)" = result.json ]
    [ "$(completed tare report two)" = "two words.json" ]
}

@test "bash: programs, for run and list, by name and by path" {
    [[ " $(completed tare run syscall-p) " == *" syscall-path "* ]]
    [[ " $(completed tare list odd_n) " == *" odd_names "* ]]
    [[ " $(completed tare run -x -n 3 --only '*' syscall-p) " == *" syscall-path "* ]]
    mkdir bin
    touch bin/program
    [ "$(completed tare run ./bin/pro)" = ./bin/program ]
    [[ " $(completed tare run -- syscall-p) " == *" syscall-path "* ]]
}

@test "bash: the measured program's options are not ours" {
    [ "$(completed tare run ls --for)" = "" ]
    [ "$(completed tare run -- ls --for)" = "" ]
    touch argument
    [ "$(completed tare run ls arg)" = argument ]
}

@test "bash: processes, for attach" {
    start scenes sleep
    [ "$(completed tare attach "$pid")" = "$pid" ]
    [[ " $(completed tare attach '') " == *" $pid "* ]]
    [ "$(completed tare attach "$pid" --enab)" = --enable ]
}

@test "bash: without a tare in PATH there is nothing to complete, and no message" {
    PATH=/usr/bin:/bin run -0 completed ./no-such-tare run --
    [ "$output" = "" ]
}

@test "zsh: the script has no syntax error" {
    command -v zsh >/dev/null || skip "no zsh"
    zsh -n "$source_dir/completions/_tare"
}

# typed KEYS: the command line that an interactive zsh makes of them; TABs complete.
typed() {
    cat >.zshrc <<END
PROMPT='PROMPT> '
fpath=("$source_dir/completions" \$fpath)
autoload -Uz compinit
compinit -u -D
unsetopt beep
preexec() { print -r -- "typed: \$1" }
END
    ZDOTDIR=$PWD on_terminal --columns 200 --at 'PROMPT> ' "$1"$'\n' --at 'typed: ' $'exit\n' zsh -i >screen || true
    sed -n 's/^.*typed: //p' screen | head -n 1 | sed 's/ *$//'
}

@test "zsh: commands, options, values, files and processes are completed" {
    command -v zsh >/dev/null || skip "no zsh"
    touch result.json
    [ "$(typed $'tare rep\tresu\t')" = "tare report result.json" ]
    [ "$(typed $'tare report --per\t')" = "tare report --per-process" ]
    [ "$(typed $'tare run --color=al\t')" = "tare run --color=always" ]
    [ "$(typed $'tare run --columns name,exclusive-n\t')" = "tare run --columns name,exclusive-net" ]
    [ "$(typed $'tare run -o resu\t')" = "tare run -o result.json" ]
    [ "$(typed $'tare run --pin 0 odd_n\t')" = "tare run --pin 0 odd_names" ]
    start scenes sleep
    [ "$(typed "tare attach ${pid%?}"$'\t')" = "tare attach $pid" ] || {
        [ "$(tare ps | grep -c "^ *${pid%?}")" -gt 1 ] # others have ids that begin like this
    }
}
