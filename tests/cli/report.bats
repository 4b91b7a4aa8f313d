#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare report: results and pages shown again; and what all commands with a table share: formats, columns, width,
# colour, characters.

load common

check() {
    python "$here/check_result.py" "$@"
}

@test "JSON is as the schema says, whatever was measured" {
    tare run -o nested.json nested
    tare run -x -n 2 -o exclusive.json nested
    tare run --per-process -o children.json scenes children 3
    tare run -o idle.json scenes idle
    tare run -o none.json plain
    tare run --no-histogram --clock clock -o sums.json span
    tare run -o odd.json odd_names
    run -137 tare run -o killed.json scenes die 9
    run -124 tare run --timeout 0.1 -o timeout.json scenes sleep
    TARE_PAGE=$PWD/page.file nested
    tare report -o page.json page.file
    start scenes spin
    tare attach "$pid" --for 0.1 -o attach.json
    check schema "$source_dir/docs/result.schema.json" ./*.json
}

@test "table, CSV, Markdown and JSON say the same" {
    for program in nested threads span "syscall-path close -1 1000"; do
        # shellcheck disable=SC2086 # with its arguments
        tare run -o result.json $program
        for format in csv md txt; do
            tare report -o "result.$format" --columns name,calls,total,avg,net,error,p50,p99 result.json
        done
        tare report -o result.csv result.json
        check same result.json result.csv result.md result.txt
    done
}

@test "a result that was written and read again is the same" {
    tare run -x --per-process -o once.json nested
    tare report -o twice.json once.json
    cmp once.json twice.json
    for options in '' --per-process --format=csv --all --unit=ticks; do
        # shellcheck disable=SC2086 # one or none
        [ "$(tare report $options once.json)" = "$(tare report $options twice.json)" ]
    done
}

@test "a result can come from standard input" {
    tare run -o result.json nested
    expected=$(tare report result.json)
    [ "$(tare report - <result.json)" = "$expected" ]
    # shellcheck disable=SC2002 # a pipe is wanted
    [ "$(cat result.json | tare report -)" = "$expected" ]
    [ "$(cat result.json | tare report /dev/stdin)" = "$expected" ]
}

@test "a page that a process left behind is shown" {
    TARE_PAGE=$PWD/nested.page run -0 --separate-stderr nested
    [ "$output" = "sorted 2000 values 20 times, 0 out of order" ]
    run -0 tare report nested.page
    [ "$(calls nested::sort)" -eq 20 ]
    not_with_sanitizer "it has a handler of its own for SIGSEGV"
    TARE_PAGE=$PWD/died.page run -139 scenes die 11
    run -0 tare report died.page
    [ "$(calls scenes::step)" -eq 5 ]
}

@test "a page that a live process still writes is shown" {
    TARE_PAGE=$PWD/live.page start scenes spin
    run -0 tare report live.page
    [ "$(calls scenes::step)" -gt 0 ]
}

@test "a result that was cut anywhere gives one line of error" {
    tare run -x -o whole.json nested
    size=$(stat -c %s whole.json)
    for length in 1 2 10 $((size / 4)) $((size / 3)) $((size / 2)) $((size - 100)) $((size - 2)); do
        head -c "$length" whole.json >cut.json
        run -2 tare report cut.json
        expect "cut to $length bytes" "$output" "tare: cannot read 'cut.json': *"
        [ "${#lines[@]}" -eq 1 ]
    done
    head -c $((size - 1)) whole.json >cut.json # without the last line's end it is whole
    run -0 tare report cut.json
}

@test "a page that was cut anywhere gives one line of error" {
    TARE_PAGE=$PWD/whole.page nested
    for length in 8 100 4095 4096 5000 100000; do
        head -c "$length" whole.page >cut.page
        run -2 tare report cut.page
        expect "cut to $length bytes" "$output" "tare: cannot read 'cut.page': *"
        [ "${#lines[@]}" -eq 1 ]
    done
}

@test "what is no result gives one line of error" {
    printf '\0\0\0\0\0\0\0\0\0\0' >zeros
    printf '{"schema": "tare-result", "schema_version": 1, "timers": 5}' >wrong.json
    printf '[]' >list.json
    printf 'name,calls\n' >table.csv
    head -c 20000 /bin/sh >program
    for file in zeros wrong.json list.json table.csv program /dev/null; do
        run -2 tare report "$file"
        expect "$file" "$output" "tare: cannot read '$file': *"
        [ "${#lines[@]}" -eq 1 ]
    done
}

@test "a table on a terminal is not wider than it" {
    tare run -x --per-process -o exclusive.json nested
    tare run -o path.json syscall-path close -1 1000
    for columns in 60 80 97 100 121 130 160 200; do
        for result in exclusive path; do
            run -0 on_terminal --columns "$columns" tare report "$result.json"
            echo "$output" >table.txt
            check width "$columns" table.txt
        done
    done
}

@test "a wider terminal shows more" {
    tare run -o nested.json nested
    run -0 on_terminal --columns 80 tare report nested.json
    expect "80 columns" "$output" "*name * calls * net * ± 95 %"$'\n'"*"
    run -0 on_terminal --columns 97 tare report nested.json
    expect "97 columns" "$output" "*name * calls * avg * net * ± 95 %"$'\n'"*"
    run -0 on_terminal --columns 160 tare report nested.json
    expect "160 columns" "$output" "*name * calls * total * avg * net * ± 95 % * p50 * p99"$'\n'"*"
}

@test "COLUMNS counts on a terminal alone" {
    tare run -o nested.json nested
    plain=$(tare report nested.json)
    [ "$(COLUMNS=200 tare report nested.json)" = "$plain" ]
    COLUMNS=200 tare report -o table.txt nested.json
    [ "$(cat table.txt)" = "$plain" ]
    [ "$(head -n 2 <<<"$plain" | tail -n 1 | wc -L)" -eq 97 ]
    COLUMNS=60 run -0 on_terminal --columns 160 tare report nested.json
    echo "$output" >table.txt
    check width 60 table.txt
}

@test "colour is for terminals, unless NO_COLOR, TERM or --color say otherwise" {
    tare run -o nested.json nested
    escape=$'\033['
    colored() {
        [[ $output == *"$escape"* ]]
    }
    run -0 tare report nested.json
    ! colored
    run -0 on_terminal tare report nested.json
    colored
    NO_COLOR=1 run -0 on_terminal tare report nested.json
    ! colored
    NO_COLOR='' run -0 on_terminal tare report nested.json
    colored
    TERM=dumb run -0 on_terminal tare report nested.json
    ! colored
    run -0 on_terminal tare report --color=never nested.json
    ! colored
    NO_COLOR=1 run -0 tare report --color=always nested.json
    colored
    run -0 on_terminal tare report --format=csv nested.json
    ! colored
    run -0 on_terminal tare report --format=markdown nested.json
    ! colored
    run -0 on_terminal tare report --format=json nested.json
    ! colored
}

@test "colour changes no text" {
    tare run -o nested.json nested
    plain=$(tare report --columns name,calls,net,error nested.json)
    [ "$(tare report --color=always --columns name,calls,net,error nested.json | sed $'s/\033\\[[0-9;]*m//g')" = "$plain" ]
}

@test "without UTF-8, us and +- stand for µs and ±" {
    tare run -o path.json syscall-path close -1 1000
    for locale in C POSIX; do
        LC_ALL=$locale run -0 tare report --columns name,avg,error path.json
        LC_ALL=C grep -q '[^ -~]' <<<"$output" && fail "not ASCII: $output"
        expect output "$output" $'*name * avg * +- 95 %\n*us *'
    done
    run -0 tare report --columns name,avg,error path.json
    expect output "$output" $'*name * avg * ± 95 %\n*µs *'
}

@test "numbers have a decimal point in every format and locale" {
    localedef -i de_DE -f UTF-8 "$PWD/de_DE.UTF-8" >/dev/null 2>&1 || skip "no locale de_DE.UTF-8 can be made here"
    tare run -o nested.json nested
    for format in table csv markdown json; do
        [ "$(LOCPATH=$PWD LC_ALL=de_DE.UTF-8 tare report --format $format nested.json)" = "$(tare report --format $format nested.json)" ]
    done
}

@test "names that were not meant well do no harm" {
    tare run -o odd.json odd_names
    for format in table markdown csv json; do
        tare report --format "$format" odd.json >shown
        # Of control characters, only line ends; nothing that is not UTF-8.
        [ -z "$(tr -d '\n -\377' <shown)" ] || fail "control characters in $format" "$(cat -v shown)"
        iconv -f UTF-8 -t UTF-8 shown >/dev/null
    done
    run -0 tare report odd.json
    [ "$(grep -c '^odd::' <<<"$output")" -eq 6 ]
    expect output "$output" "*odd::user\\u202Etxt.exe *"
    expect output "$output" "*odd::größe λ 名前 *"
    python - <<'END'
import csv, subprocess
text = subprocess.run(["tare", "report", "--format", "csv", "odd.json"], capture_output=True, check=True).stdout.decode()
names = {row["name"] for row in csv.DictReader(text.splitlines(), strict=True)}
assert 'a,b "quoted" | =1+1' in names and len(names) == 6, names
END
    LC_ALL=C run -0 tare report odd.json
    LC_ALL=C grep -q '[^ -~]' <<<"$output" && fail "not ASCII: $output"
    expect output "$output" "*odd::gr\\xF6\\xDFe \\u03BB \\u540D\\u524D *"
}

@test "--columns: those, in that order" {
    tare run -o nested.json nested
    run -0 tare report --columns avg,calls,name nested.json
    [ "$(grep nested::sort <<<"$output" | awk '{ print $2, $3 }')" = "20 nested::sort" ]
    for column in $(tare run --columns help | cut -d' ' -f1); do
        run -0 tare report --columns "name,$column" nested.json
    done
}

@test "--sort: by a column, and the other way round" {
    tare run -o nested.json nested
    order() {
        tare report --format csv --sort="$1" nested.json | tail -n +2 | cut -d, -f2 | tr '\n' ' '
    }
    [ "$(order calls)" = "compare quicksort sort " ]
    [ "$(order -calls)" = "sort quicksort compare " ]
    [ "$(order total)" = "sort quicksort compare " ]
    [ "$(order name)" = "compare quicksort sort " ]
}

@test "--unit ticks: as the clock counted them" {
    tare run -o nested.json nested
    run -0 tare report --unit ticks --columns name,total nested.json
    python - "$(awk '$1 == "nested::sort" { print $2 }' <<<"$output")" <<'END'
import json, sys
timers = {t["name"]: t["figures"] for t in json.load(open("nested.json"))["timers"]}
assert float(sys.argv[1]) == timers["sort"]["raw_total_ticks"], (sys.argv, timers["sort"])
END
}

@test "--all: timers that were not called, too" {
    tare run -o exit.json scenes exit 0
    run -0 tare report exit.json
    [ "$(grep -c '^scenes::' <<<"$output")" -eq 1 ]
    run -0 tare report --all exit.json
    [ "$(grep -c '^scenes::' <<<"$output")" -eq 4 ]
    [ "$(awk '$1 == "scenes::never" { print $2, $3, $4 }' <<<"$output")" = "0 - -" ]
}

@test "output that cannot be written: a message and a code" {
    tare run -o nested.json nested
    for format in table csv markdown json; do
        run -2 bash -c "tare report --format $format nested.json 2>&1 >/dev/full"
        [ "$output" = "tare: cannot write to standard output: No space left on device" ]
        run -2 bash -c "tare report --format $format nested.json 2>&1 >&-"
        [ "$output" = "tare: cannot write to standard output: Bad file descriptor" ]
    done
    # A pipe that nobody reads any more: as for every program, SIGPIPE.
    run -0 python - <<'END'
import os, subprocess
reader, writer = os.pipe()
os.close(reader)
end = subprocess.run(["tare", "report", "nested.json"], stdout=writer, stderr=subprocess.PIPE)
assert end.returncode == -13 and end.stderr == b"", end
END
}
