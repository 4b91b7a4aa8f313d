# SPDX-License-Identifier: MIT
# Completion of tare for bash. What there is to complete, the command itself says ('tare __complete'), so this file
# need not change when an option comes. Works with and without the package bash-completion.

# The words of $1 (one in a line) that begin with what is being typed.
_tare_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_tare_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# A program: a path where a slash says so, else also the names in PATH.
_tare_programs() {
    compopt -o filenames 2>/dev/null
    if [[ $cur == */* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <({ compgen -c -- "$cur"; compgen -d -- "$cur"; } | sort -u)
    fi
}

_tare_columns() {
    "$tare" run --columns help 2>/dev/null | cut -d' ' -f1
}

# The last name of a list that commas separate; the others stay.
_tare_column_list() {
    local before=''
    [[ $cur == *,* ]] && before=${cur%,*},
    compopt -o nospace 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(_tare_columns)" -- "${cur##*,}")
}

# What can stand for the argument $1, of which the values $2 are known ("-": none are).
_tare_argument() {
    if [[ $2 != - ]]; then
        _tare_words "$2"
        return
    fi
    case $1 in
        FILE) _tare_files ;;
        LIST) _tare_column_list ;;
        COLUMN) _tare_words "$(_tare_columns)" ;;
        CPU) _tare_words "$(seq 0 "$(($(getconf _NPROCESSORS_ONLN) - 1))")" ;;
    esac
}

_tare() {
    local cur=${COMP_WORDS[COMP_CWORD]} tare=${COMP_WORDS[0]} command=${COMP_WORDS[1]-}
    local name argument values help i word operand=0 option=''
    local -A arguments=() choices=()
    local -a names=()
    COMPREPLY=()
    [[ $cur == '=' ]] && cur=''
    if ((COMP_CWORD == 1)); then
        _tare_words "$("$tare" __complete 2>/dev/null | cut -f1) help --help --version"
        return
    fi
    if [[ $command == help ]]; then
        ((COMP_CWORD == 2)) && _tare_words "$("$tare" __complete 2>/dev/null | cut -f1)"
        return
    fi
    while IFS=$'\t' read -r name argument values help; do
        names+=("$name")
        arguments[$name]=$argument
        choices[$name]=$values
    done < <("$tare" __complete "$command" 2>/dev/null)

    # Where the operands begin, and whether an option waits for its argument. "--x=y" comes as three words.
    for ((i = 2; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $option && $word == '=' ]]; then
            continue
        elif [[ -n $option ]]; then
            option=''
        elif [[ $word == -- ]]; then
            operand=$((i + 1))
            break
        elif [[ $word == -* ]]; then
            [[ -n ${arguments[$word]-} && ${arguments[$word]} != - ]] && option=$word
        elif [[ $command == run ]]; then
            operand=$i
            break
        fi
    done
    if ((operand == 0)) && [[ -n $option ]]; then
        _tare_argument "${arguments[$option]}" "${choices[$option]}"
    elif ((operand == 0)) && [[ $cur == -* ]]; then
        _tare_words "${names[*]}"
    elif [[ $command == run ]] && ((operand != 0 && operand < COMP_CWORD)); then
        # The measured program's own arguments: its own completion, if somebody here knows how.
        if declare -F _command_offset >/dev/null; then
            _command_offset "$operand"
        else
            _tare_files
        fi
    else
        case $command in
            run | list) _tare_programs ;;
            report) _tare_files ;;
            attach) _tare_words "$("$tare" ps 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
        esac
    fi
}

complete -F _tare tare
