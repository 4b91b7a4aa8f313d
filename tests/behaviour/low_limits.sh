#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Under low limits on file sizes, address space and descriptors a program prints the same, and ends with the same code,
# as if nobody measured it; and it is measured, with its children, wherever a page can be had: always under a `tare run`
# that is not limited itself.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
[ -z "${TARE_SANITIZER:-}" ] || skip_all "$TARE_SANITIZER: a sanitized program needs more than is left"
needs tare "$helpers/load"
have_python || skip_all "no python3 to read results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1
program=(load count 30 forks 3 print said count 4 exit 7)

# under LIMIT COMMAND...: its output goes through a pipe, as a limited file would be an end in itself.
under() {
    local limit=$1
    shift
    # shellcheck disable=SC2086 # an option and a number
    (ulimit $limit && exec "$@") 2>&1 | cat
    return "${PIPESTATUS[0]}"
}

# same WHAT CODE OUTPUT
same() {
    equal "exit code, $1" "$2" 7
    equal "output, $1" "$3" said
}

counts() {
    of_result result.json 'timers["load::work"]["calls"], timers["load::child"]["calls"], result["lost"]["processes"]'
}

# In kB, the address space: the second leaves room for one thread or two.
for limit in '-f 100' '-f 0' '-v 200000' '-v 40000' '-n 10' '-n 4'; do
    begin_case "ulimit $limit: nobody measures"
    said=$(under "$limit" "${program[@]}")
    same "alone" $? "$said"

    begin_case "ulimit $limit: TARE_REPORT, TARE_PAGE"
    said=$(TARE_REPORT=stdout under "$limit" "${program[@]}")
    code=$?
    same "with a report" $code "$(grep -o said <<<"$said")"
    [[ $limit == -f* ]] || check "the report" grep -Eq '^load::work +34 ' <<<"$said"
    said=$(TARE_PAGE=$scratch/page under "$limit" "${program[@]}")
    code=$?
    same "with a page in a file" "$code" "$(grep -v "^tare: cannot make the page '.*': File too large: " <<<"$said")"
    if [[ $limit == -f* ]]; then
        equal "lines that say that there is none" "$(grep -c ^tare: <<<"$said")" 1
    else
        tare report --format json -o result.json page
        equal "calls" "$(of_result result.json 'timers["load::work"]["calls"]')" 34
    fi
    rm -f page*

    begin_case "ulimit $limit: the program under tare run"
    # shellcheck disable=SC2016 # for the inner shell
    said=$(tare run --format json -o result.json bash -c 'ulimit $0; exec "$@"' \
        "$limit" "${program[@]}" 2>&1)
    same "in tare run" $? "$said"
    equal "counts" "$(counts)" "(34, 30, 0)"
done

for limit in '-v 200000' '-v 40000' '-n 10'; do
    begin_case "ulimit $limit: all of tare run"
    said=$(under "$limit" tare run --format json -o result.json "${program[@]}")
    same "and tare run" $? "$said"
    equal "counts" "$(counts)" "(34, 30, 0)"
done

begin_case "ulimit -f 100: all of tare run, if it may lift the limit; else it says so, and runs nothing"
said=$(under '-f 100' tare run --format json -o result.json "${program[@]}")
code=$?
if [ "$code" = 125 ]; then
    matches "what it says" "$said" "tare: cannot make the pages of the run: File too large (see 'ulimit -f'*"
    equal "lines" "$(wc -l <<<"$said")" 1
else
    same "and tare run" "$code" "$said"
    equal "counts" "$(counts)" "(34, 30, 0)"
    said=$(under '-f 100' tare run bash -c 'ulimit -f')
    equal "the program's own limit" "$(head -n 1 <<<"$said")" 100
fi

begin_case "ulimit -Sf 100: lifted for the pages, and only for them"
# shellcheck disable=SC2016 # for the inner shell
said=$(under '-Sf 100' tare run --format json -o result.json bash -c 'ulimit -Sf; "$@"' - "${program[@]}")
equal "exit code" $? 7
equal "output" "$said" $'100\nsaid'
equal "counts" "$(counts)" "(34, 30, 0)"

begin_case "no room at all: the program runs, and tare says that there are no timers, and why that may be"
said=$(under '-v 20000' tare run "${program[@]}")
equal "exit code" $? 7
matches "output" "$said" $'said\ntare: \'load\' has no timers*ulimit -v*'

begin_case "signals that the caller ignores are ignored in the program"
# shellcheck disable=SC2016 # for the inner shell
said=$(bash -c 'trap "" PIPE XFSZ; exec tare run grep SigIgn /proc/self/status' 2>/dev/null)
ignored=$((16#${said##*:?} & ((1 << 12) | (1 << 24)))) # SIGPIPE is 13, SIGXFSZ is 25
equal "ignored" "$ignored" $(((1 << 12) | (1 << 24)))
said=$(env --default-signal=PIPE,XFSZ tare run grep SigIgn /proc/self/status 2>/dev/null)
equal "not ignored" $((16#${said##*:?} & ((1 << 12) | (1 << 24)))) 0

finish
