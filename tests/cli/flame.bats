#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare flame: from a profile to one file. What a browser makes of it is in tests/web.

load common

stacks() {
    printf '%s\n' 'main;parse;next 30' 'main;parse 10' 'main;write;[unknown] 5' 'start;work 55' >"${1:-stacks.txt}"
}

# frame NAME FILE: the still frame of that function, with its tooltip, on one line.
frame() {
    tr '\n' ' ' <"$2" | grep -oE "<title>$1 [^<]*</title>" | head -n 1
}

well_formed() {
    python - "$1" <<'END'
import sys, xml.dom.minidom
xml.dom.minidom.parse(sys.argv[1])
END
}

@test "the suffix decides: SVG or HTML, each of them whole and by itself" {
    stacks
    run -0 tare flame stacks.txt -o x.svg
    [ -z "$output" ]
    run -0 tare flame -o x.html stacks.txt
    well_formed x.svg
    expect svg "$(head -c 60 x.svg)" '<?xml version="1.0" encoding="UTF-8"?>*<svg *'
    expect html "$(head -c 60 x.html)" '<!DOCTYPE html>*'
    for file in x.svg x.html; do
        expect next "$(frame next "$file")" '<title>next 30 samples, 30.0 % ± 9.6*'
        # Nothing is asked of anybody: the only addresses are names of XML's.
        [ "$(grep -oE '(href|src|url)[=(] *"?[^#]' "$file")" = "" ] || fail "$(grep -oE '.{30}(href|src|url)[=(].{30}' "$file")"
        [ "$(grep -oE 'https?://[^"]*' "$file" | sort -u | tr '\n' ' ')" = "http://www.w3.org/1999/xhtml http://www.w3.org/2000/svg " ]
    done
}

@test "standard output is SVG, or what --format says, and nothing for a terminal" {
    stacks
    tare flame stacks.txt >x.svg
    well_formed x.svg
    expect html "$(tare flame --format html stacks.txt)" '<!DOCTYPE html>*'
    tare flame --format html stacks.txt -o x.data
    expect html "$(cat x.data)" '<!DOCTYPE html>*'
    tare flame - <stacks.txt | cmp - x.svg
    run -2 on_terminal tare flame stacks.txt
    expect message "$output" 'tare: a flame graph is nothing for a terminal: -o FILE.svg or -o FILE.html writes it to a file*'
}

@test "the same profile gives the same file" {
    stacks
    tare flame stacks.txt -o one.svg
    tac stacks.txt >turned.txt
    tare flame turned.txt -o two.svg
    [ "$(grep -c '<rect' one.svg)" = "$(grep -c '<rect' two.svg)" ]
    [ "$(frame parse one.svg)" = "$(frame parse two.svg)" ]
    tare flame stacks.txt | cmp - one.svg
}

@test "title, width, least width" {
    stacks
    tare flame --title 'what & where' --width 500 stacks.txt -o x.svg
    expect x "$(head -n 3 x.svg)" '*width="500"*<title id="named">what &amp; where</title>'
    tare flame --width 1000 --min-width 100 stacks.txt -o x.svg
    expect x "$(grep '^<text' x.svg)" '*2 frames narrower than 100 px are not drawn*: 5.0 % of all samples end there*'
}

@test "reversed and upside down" {
    stacks
    tare flame --reverse stacks.txt -o x.svg
    expect next "$(frame next x.svg)" '<title>next 30 samples*'
    expect reversed "$(grep '^<text' x.svg)" '*reversed: the innermost functions at the base*'
    tare flame --inverted stacks.txt -o down.svg
    tare flame stacks.txt -o up.svg
    [ "$(tr '\n' ' ' <down.svg | grep -oE '<title>all [^/]*/title><rect x="0" y="[0-9]+"' | grep -oE '[0-9]+"$')" = '0"' ]
    [ "$(tr '\n' ' ' <up.svg | grep -oE '<title>all [^/]*/title><rect x="0" y="[0-9]+"' | grep -oE '[0-9]+"$')" = '54"' ]
}

@test "two profiles: both counts, what is more and what is less" {
    printf '%s\n' 'main;a 100' 'main;b 100' 'main;c 101' 'main;gone 60' >before.txt
    printf '%s\n' 'main;a 300' 'main;b 100' 'main;c 199' >after.txt
    tare flame --diff before.txt after.txt -o x.svg
    expect counts "$(grep '^<text' x.svg)" '*A, before: 361 samples*B, shown: 599 samples*'
    expect more "$(frame a x.svg)" '*300 samples, 50.1 % ± 4.0, +22.4 ± 6.* points*'
    expect less "$(frame b x.svg)" '*100 samples, 16.7 % ± 3.2, -11.0 ± 5.* points*'
    grep -A1 '<title>a$' x.svg | grep -q 'class="q4"'
    grep -A1 '<title>b$' x.svg | grep -q 'class="m'
    grep -A1 '<title>c$' x.svg | grep -q 'class="z"'
    # A against itself: nothing changed.
    tare flame --diff after.txt after.txt -o same.svg
    ! grep -qE '<rect [^>]*class="[qm][1-4]"' same.svg
    # Not normalised, twice as much is more, and not the same share.
    printf '%s\n' 'main;a 200' 'main;b 200' >twice.txt
    printf '%s\n' 'main;a 100' 'main;b 100' >once.txt
    tare flame --diff once.txt twice.txt -o x.svg
    grep -A1 '<title>a$' x.svg | grep -q 'class="z"'
    tare flame --no-normalize --diff once.txt twice.txt -o x.svg
    grep -A1 '<title>a$' x.svg | grep -q 'class="q'
}

@test "names are text, whatever they are" {
    printf '%s\n' '<script>alert(1)</script>;]]>"&'"'"$'\x01\xff 5' >stacks.txt
    tare flame stacks.txt -o x.svg
    tare flame stacks.txt -o x.html
    well_formed x.svg
    for file in x.svg x.html; do
        ! grep -q '<script>alert' "$file" || fail "$file"
        [ "$(grep -c '</script>' "$file")" = 2 ]
        grep -qF '&lt;script&gt;alert(1)&lt;/script&gt;' "$file"
    done
}

@test "what the profile does not know cannot be shown" {
    stacks
    run -2 tare flame --by timer stacks.txt -o x.svg
    expect message "$output" "tare: the samples in 'stacks.txt' do not know their timers: take them with 'tare profile --by-timer'"
    run -2 tare flame --timer 'a::*' stacks.txt -o x.svg
    expect message "$output" "tare: the samples in 'stacks.txt' do not know their timers*"
    [ ! -e x.svg ]
}

@test "a wrong command line is one line, and nothing is written" {
    stacks
    cp stacks.txt profile.json
    while IFS='|' read -r arguments message; do
        run -2 bash -c "tare flame $arguments"
        [ "${#lines[@]}" = 1 ] || fail "$arguments" "$output"
        expect "tare flame $arguments" "$output" "tare: $message"
    done <<'END'
-o x.svg|no profile given: tare flame [options] PROFILE, or with --diff A PROFILE
a b -o x.svg|one profile at a time: tare flame *
stacks.txt -o x.png|cannot tell from 'x.png' whether SVG or HTML is wanted: let it end in .svg or .html, or give --format
stacks.txt -o x|cannot tell from 'x' *
stacks.txt --by threads -o x.svg|cannot split by 'threads': did you mean 'thread'?
stacks.txt --by colour -o x.svg|cannot split by 'colour': one of process, thread, timer, nothing
stacks.txt --format png -o x.svg|unknown format 'png': one of svg, html
stacks.txt --width 10 -o x.svg|'10' is not a number from 200 to 20000 for --width
stacks.txt --min-width 0 -o x.svg|'0' is no number from 0.001 to 1000 for --min-width
stacks.txt --no-normalize -o x.svg|--no-normalize is about a comparison: give the profile before with --diff A
--diff - - -o x.svg|standard input cannot be both profiles: give one of them as a file
missing -o x.svg|cannot open 'missing': No such file or directory
--diff missing stacks.txt -o x.svg|cannot open 'missing': No such file or directory
stacks.txt -o /nowhere/x.svg|cannot create '/nowhere/x.svg': No such file or directory
END
    [ "$(ls)" = $'profile.json\nstacks.txt' ]
}

@test "output that cannot be written: a message, and what was there stays" {
    stacks
    run -2 bash -c 'tare flame stacks.txt 2>&1 >/dev/full'
    expect message "$output" "tare: cannot write to standard output: No space left on device"
    echo before >x.svg
    run -2 bash -c 'ulimit -f 8; tare flame stacks.txt -o x.svg'
    expect message "$output" "tare: cannot write 'x.svg': File too large"
    [ "$(cat x.svg)" = before ]
    [ "$(ls)" = $'stacks.txt\nx.svg' ]
}
