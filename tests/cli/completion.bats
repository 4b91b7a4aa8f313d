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
    [ "$(completed tare r)" = "run record report" ]
    [ "$(completed tare help li)" = list ]
    [ "$(completed tare x)" = "" ]
}

@test "bash: every option of every command" {
    for command in $(tare __complete | cut -f1); do
        [ "$(completed tare "$command" --)" = "$(tare __complete "$command" | cut -f1 | grep ^-- | tr '\n' ' ' | sed 's/ $//')" ]
    done
    [ "$(completed tare run --per)" = --per-process ]
}

@test "bash: subcommands, their options and values" {
    [ "$(completed tare history '')" = "$(tare __complete history | cut -f1 | grep -v ^- | tr '\n' ' ' | sed 's/ $//')" ]
    [ "$(completed tare history im)" = import ]
    [ "$(completed tare help history im)" = import ]
    [ "$(completed tare history x)" = "" ]
    for sub in $(tare __complete history | cut -f1 | grep -v ^-); do
        [ "$(completed tare history "$sub" --)" = \
            "$(tare __complete history "$sub" | cut -f1 | grep ^-- | tr '\n' ' ' | sed 's/ $//')" ] || fail "$sub"
    done
    [ "$(completed tare history import --from g)" = "google-benchmark github-action-benchmark" ]
    [ "$(completed tare history show --format = j)" = json ]
    [ "$(completed tare history baseline '')" = "set show remove" ]
    touch result.json
    [ "$(completed tare history add res)" = result.json ]
    [ "$(completed tare history merge --db res)" = result.json ]
    [ "$(completed tare history export --to res)" = result.json ]
}

# a_history: h.db with one result on the branch side, and the baseline v1.
a_history() {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
    export TARE_PROJECT=demo
    tare stat -o result.json -- true >/dev/null
    tare history add --db h.db --branch side result.json
    tare history baseline set v1 --db h.db
}

@test "bash: what a history has: branches, baselines, series and runs" {
    a_history
    run=$(sha256sum result.json)
    [ "$(completed tare history show --db h.db --branch s)" = side ]
    [ "$(completed tare history show --db = h.db --branch = s)" = side ]
    [ "$(completed tare history check --db h.db --baseline '')" = v1 ]
    [ "$(TARE_DB=h.db completed tare history baseline remove v)" = v1 ]
    [ "$(TARE_DB=h.db completed tare history show 'true\ wal')" = 'true\ wall' ]
    [ "$(TARE_DB=h.db completed tare history export "${run:0:3}")" = "${run:0:8}" ]
    # Where there is none, nothing, and no message.
    run -0 completed tare history show --db none.db --branch s
    [ "$output" = "" ]
    # Behind a colon readline begins a new word.
    echo '[{"name": "a::b c", "unit": "ns", "value": 1}]' >data.json
    run -0 tare history import --db h.db --from github-action-benchmark data.json || skip "not such a file"
    name=$(tare history __complete patterns --db h.db | grep 'a::b')
    typed="tare history show ${name%%b c*}"
    run -0 bash -c 'source "$0"; COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=(tare history show a :: "") COMP_CWORD=5
        TARE_DB=h.db _tare; echo "${COMPREPLY[*]}"' "$source_dir/completions/tare.bash" "$typed"
    [[ $output == 'b\ c'* ]] || fail "'$output' for '$typed'"
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
    [ "$(typed $'tare hist\timp\t--fr\thyperf\tresu\t')" = "tare history import --from=hyperfine result.json" ]
    a_history
    [ "$(typed $'tare history show --db h.db --branch=si\t')" = "tare history show --db h.db --branch=side" ]
    [ "$(typed $'tare history show --db=h.db true\\ wal\t')" = "tare history show --db=h.db true\\ wall" ]
    start scenes sleep
    [ "$(typed "tare attach ${pid%?}"$'\t')" = "tare attach $pid" ] || {
        [ "$(tare ps | grep -c "^ *${pid%?}")" -gt 1 ] # others have ids that begin like this
    }
}
