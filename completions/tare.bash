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

# What the history has of $1 (baselines, branches, patterns, runs): the one that --db and --project on the line name.
# Names may have blanks in them, which are quoted, and colons, at which readline begins a new word.
_tare_history() {
    local i name whole=$cur before='' offered
    local -a from=()
    for ((i = 2; i + 1 < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --db || ${COMP_WORDS[i]} == --project ]] || continue
        [[ ${COMP_WORDS[i + 1]} == '=' ]] && name=${COMP_WORDS[i + 2]} || name=${COMP_WORDS[i + 1]}
        from+=("${COMP_WORDS[i]}=$name")
    done
    if [[ $COMP_WORDBREAKS == *:* && ${COMP_LINE:0:${COMP_POINT:-0}} =~ (([^[:blank:]\\]|\\.)*:)[^:]*$ ]]; then
        before=${BASH_REMATCH[1]##*[[:blank:]]}
        whole=$before$cur
        [[ $cur == : || $cur == :: ]] && whole=$before
    fi
    while IFS= read -r name; do
        printf -v offered %q "$name"
        [[ $offered == "$whole"* ]] && COMPREPLY+=("${offered#"$before"}")
    done < <("$tare" history __complete "$1" "${from[@]}" 2>/dev/null)
}

# What can stand for the argument $1, of which the values $2 are known ("-": none are); the option is $3.
_tare_argument() {
    if [[ $2 != - ]]; then
        _tare_words "$2"
        return
    fi
    if [[ $command == history ]]; then
        case $3 in
            --baseline) _tare_history baselines ;;
            --branch) _tare_history branches ;;
            --series) _tare_history patterns ;;
        esac
    fi
    case $1 in
        FILE | WHERE | FOLDER) _tare_files ;;
        LIST) _tare_column_list ;;
        COLUMN) _tare_words "$(_tare_columns)" ;;
        CPU) _tare_words "$(seq 0 "$(($(getconf _NPROCESSORS_ONLN) - 1))")" ;;
    esac
}

_tare() {
    local cur=${COMP_WORDS[COMP_CWORD]} tare=${COMP_WORDS[0]} command=${COMP_WORDS[1]-}
    local name argument values help i word operand=0 option='' subs='' sub=''
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
        ((COMP_CWORD == 3)) && _tare_words "$("$tare" __complete "${COMP_WORDS[2]}" 2>/dev/null | cut -f1 | grep -v ^-)"
        return
    fi
    # What does not begin with a dash is a subcommand, which has options of its own.
    subs=$("$tare" __complete "$command" 2>/dev/null | cut -f1 | grep -v ^-)
    if [[ -n $subs ]] && ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then
        _tare_words "$subs"
        return
    fi
    [[ -n $subs ]] && ((COMP_CWORD > 2)) && sub=${COMP_WORDS[2]}
    while IFS=$'\t' read -r name argument values help; do
        names+=("$name")
        arguments[$name]=$argument
        choices[$name]=$values
    done < <("$tare" __complete "$command" ${sub:+"$sub"} 2>/dev/null | grep ^-)

    # Where the operands begin, and whether an option waits for its argument. "--x=y" comes as three words.
    for ((i = ${#sub} > 0 ? 3 : 2; i < COMP_CWORD; i++)); do
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
        _tare_argument "${arguments[$option]}" "${choices[$option]}" "$option"
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
        case "$command${sub:+ $sub}" in
            run | list) _tare_programs ;;
            report | 'history add' | 'history import' | 'history merge') _tare_files ;;
            'history baseline')
                ((COMP_CWORD == 3)) && _tare_words 'set show remove'
                ((COMP_CWORD == 4)) && _tare_history baselines
                ;;
            'history show' | 'history check' | 'history html' | 'history prune') _tare_history patterns ;;
            'history export') _tare_history runs ;;
            suite) _tare_words "$("$tare" suite --list 2>/dev/null | cut -d' ' -f1)" ;;
            attach) _tare_words "$("$tare" ps 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
        esac
    fi
}

complete -F _tare tare
