#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare report of profiles: of one that is made up, so that every figure is known, and of those of other tools.

load common

# shop: a profile of 1000 samples of 10 ms each.
shop() {
    cat >stacks <<'END'
400 shop::serve 11 main|/usr/bin/shop|/build/shop/src/shop.c:40:38;serve|/usr/bin/shop|/build/shop/src/shop.c:21:18;sort_orders|/usr/bin/shop|/build/shop/src/shop.c:12:9;less|/usr/bin/shop|/build/shop/src/shop.c:4:3|inlined
200 shop::serve 11 main|/usr/bin/shop|/build/shop/src/shop.c:40:38;serve|/usr/bin/shop|/build/shop/src/shop.c:21:18;sort_orders|/usr/bin/shop|/build/shop/src/shop.c:14:9
100 shop::serve 12 main|/usr/bin/shop|/build/shop/src/shop.c:40:38;serve|/usr/bin/shop|/build/shop/src/shop.c:22:18;malloc|/lib/libc.so.6|-
20 - 12 main|/usr/bin/shop|/build/shop/src/shop.c:40:38;malloc|/lib/ld.so|-
130 shop::load 12 main|/usr/bin/shop|/build/shop/src/shop.c:41:38;read|/lib/libc.so.6|-;do_syscall_64|[kernel]|-
100 - 11 main|/usr/bin/shop|/build/shop/src/shop.c:42:38;shop::walk(node*)|/usr/bin/shop|walk.cc:5:3;shop::walk(node*)|/usr/bin/shop|walk.cc:5:3;shop::walk(node*)|/usr/bin/shop|walk.cc:6:3
30 - 11 main|/usr/bin/shop|/build/shop/src/shop.c:43:38;-|/lib/libzip.so.4|-
20 - - -
END
    make_profile shop.json stacks
}

make_profile() {
    python "$here/make_results.py" profile "$@"
}

# row NAME: the figures of a function's row, behind its name, with one blank between.
row() {
    local line
    while read -r line; do
        if [[ $line == "$1  "* ]]; then
            tr -s ' ' <<<"${line#"$1  "}" | sed 's/^ //'
            return
        fi
    done <<<"$output"
}

refuse() {
    local message=$1
    shift
    run -2 --separate-stderr tare report "$@"
    [ -z "$output" ]
    expect error "$stderr" "tare: $message"
}

@test "the top table has self, total, their error and samples of each function" {
    shop
    run -0 tare report --top 8 shop.json
    expect output "$output" "mode fp: the binary keeps frame pointers
event cpu-clock, 99 Hz asked for, taken every 10.10 ms of a running thread
  (99.0 Hz), for 10.10 s
samples 1000, lost 0, truncated 0, unknown 50 (5.0 %)
overhead - (not measured)

function *"
    # Wilson's interval of 400 of 1000: 0.4 - 0.0299 to 0.4 + 0.0307
    [ "$(row less)" = "40.0 3.1 40.0 400 shop" ]
    [ "$(row sort_orders)" = "20.0 2.6 60.0 200 shop" ]
    [ "$(row '[k] do_syscall_64')" = "13.0 2.2 13.0 130 [kernel]" ]
    [ "$(row '[libzip.so.4]')" = "3.0 1.3 3.0 30 libzip.so.4" ]
    expect output "$output" "*2 more functions with 0.0 % of self time: --top 16, --top 0 for all*"
    expect output "$output" "*note: 2.0 % of all has no stack, and is in no row*"
    expect output "$output" "*functions without a name of '/lib/libzip.so.4'*"
}

@test "recursion counts once, and a function of two objects is two" {
    shop
    run -0 tare report shop.json
    [ "$(row 'shop::walk(node*)')" = "10.0 2.0 10.0 100 shop" ]
    [ "$(grep -c '^malloc ' <<<"${output%%timer shop::serve*}")" -eq 2 ]
}

@test "sorted by total, the outermost come first" {
    shop
    run -0 tare report --sort total --top 3 --format csv shop.json
    [ "$(sed -n '2,4s/,.*//p' <<<"$output" | tr '\n' ' ')" = "main serve sort_orders " ]
    run -0 tare report --sort self --top 1 --format csv shop.json
    expect output "${lines[1]}" "less,/usr/bin/shop,/build/shop/src/shop.c,3,0,4000000000,4000000000,400,400,0.4,0.03069*,0.4,*"
}

@test "a profile by timer has a block for each timer" {
    shop
    run -0 tare report shop.json
    expect output "$output" "*timer shop::serve: 70 % of all, 700 samples
*timer shop::load: 13 % of all, 130 samples
*"
    expect output "$output" "*no timer was open: 17 % of all, 170 samples*"
    run -0 tare report --timer 'shop::l*' shop.json
    expect output "$output" "*samples 1000 (130 of them shown)*"
    [ "$(row '[k] do_syscall_64')" = "100.0 2.9 100.0 130 [kernel]" ]
    run -0 tare report --by timer --format csv --top 1 shop.json
    [ "${#lines[@]}" -eq 4 ]
    expect line "${lines[1]}" "shop,serve,less,*"
    refuse "no timer of the profile matches 'x::*': *" --timer 'x::*' shop.json
    sed 's/ shop::[a-z]* / - /' stacks >without
    make_profile without.json without
    refuse "this profile does not know the timers of its samples: *" --by timer without.json
}

@test "each thread and process has a table of its own" {
    shop
    run -0 tare report --by thread --top 1 shop.json
    expect output "$output" "*thread 11 (worker11) of process 10: 73 % of all, 730 samples
*thread 12 (worker12) of process 10: 25 % of all, 250 samples
*thread unknown: 2.0 % of all, 20 samples
no stacks*"
    run -0 tare report --by process --format csv --top 1 shop.json
    expect line "${lines[1]}" "10,./shop,less,*"
}

@test "callers and callees of a function" {
    shop
    run -0 tare report --callers malloc@libc.so.6 shop.json
    [ "$(row serve)" = "100.0 10.0 100 shop" ]
    run -0 tare report --callees serve shop.json
    [ "$(row sort_orders)" = "85.7 60.0 600 shop" ]
    [ "$(row malloc)" = "14.3 10.0 100 libc.so.6" ]
    run -0 tare report --callees sort_orders shop.json
    [ "$(row '[itself]')" = "33.3 20.0 200" ]
    run -0 tare report --callers main shop.json
    expect output "$output" "*[nobody: it is outermost]*"
    # Of itself, and from outside: each stack once.
    run -0 tare report --callers walk --format csv shop.json
    [ "$(sed -n '2,3s/,.*//p' <<<"$output" | sort | tr '\n' ' ')" = "main shop::walk(node*) " ]
    expect output "$output" "*,1000000000,100,1,0.1*"
}

@test "a function that is ambiguous or unknown names near ones" {
    shop
    refuse "'malloc' can be any of 2 functions: 'malloc@libc.so.6' or 'malloc@ld.so'" --callers malloc shop.json
    refuse "no samples of a function 'sortorders': did you mean 'sort_orders'?" --annotate sortorders shop.json
    refuse "no samples of a function 'sort': did you mean 'sort_orders'?" --callees sort shop.json
    refuse "no samples of a function 'xyzzy': 'tare report --top 0' lists all that have some" --callees xyzzy shop.json
    refuse "no samples of a function 'walk': *" --timer shop::load --callers walk shop.json
    refuse "--callers, --callees and --annotate: one at a time" --callers main --annotate main shop.json
    for name in 'shop::walk(node*)' shop::walk walk shop::walk@shop; do
        tare report --callers "$name" shop.json >/dev/null
    done
}

@test "template arguments may be left out, if it is clear then" {
    shop
    sed 's/sort_orders|/app::mixin<long unsigned int>|/; s/;serve|/;std::vector<int, std::allocator<int> > app::list<int>::push<char>(std::vector<int>)|/; s/;read|/;std::ostream\& operator<< <app::x>(std::ostream\&)|/' stacks >templates
    make_profile shop.json templates
    for name in 'app::mixin' mixin 'mixin<long unsigned int>' app::list::push push 'operator<<'; do
        tare report --callers "$name" shop.json >/dev/null
    done
    sed -i '1s/app::mixin<long unsigned int>/app::mixin<int>/' templates
    make_profile two.json templates
    refuse "'mixin' can be any of 2 functions: 'app::mixin<*" --callers mixin two.json
    tare report --callers 'app::mixin<int>' two.json
}

@test "a result with a profile is drawn, others are not" {
    shop
    tare report shop.json -o shop.svg
    expect svg "$(head -c 60 shop.svg)" '<?xml version="1.0" encoding="UTF-8"?>*<svg *'
    tare flame shop.json -o flame.svg
    cmp shop.svg flame.svg
    tare report shop.json -o shop.html
    expect html "$(head -c 60 shop.html)" '<!DOCTYPE html>*'
    tare report --format svg shop.json | cmp - shop.svg
    refuse "unknown format 'foo': one of table, json, csv, markdown, svg, html, folded, *" --format foo shop.json
    refuse "--top is for tables: *" --top 3 shop.json -o other.svg
    tare run -o run.json nested
    refuse "'svg' is a format of profiles, and this is a run: *" run.json -o shop.svg
    cmp shop.svg flame.svg
    run -125 --separate-stderr tare run -o run.html nested
    expect error "$stderr" "tare: cannot write 'run.html': only profiles are drawn; *"
    [ ! -e run.html ] && [ ! -e other.svg ]
    tare run -o run.foo nested
    expect table "$(cat run.foo)" "*calls*"
}

@test "waits are told by who waits, with how long" {
    sed 's/$/;schedule|[kernel]|-/' <(printf '%s\n' '30 - 11 main|/bin/a|-;sleep|/lib/libc.so.6|-;nanosleep|[kernel]|-' '10 - 11 main|/bin/a|-') >waits
    make_profile waits.json waits
    python "$here/make_results.py" set waits.json profile.off_cpu true profile.event '"off-cpu"'
    run -0 tare report waits.json
    expect header "$output" "*function *self %*total %  self ms  samples  object*"
    expect row "$(row sleep)" "75.0 1?.? 75.0 300.0 30 libc.so.6"
    [ "$(row '[k] nanosleep' | cut -d ' ' -f 1,3)" = "0.0 75.0" ]
}

@test "few samples that carry all are said to be few" {
    echo '300 - 11 main|/bin/a|-' >heavy
    make_profile heavy.json heavy
    python "$here/make_results.py" set heavy.json profile.samples.weight.7 900000000000
    run -0 tare report heavy.json
    expect output "$(tr -s ' \n' ' ' <<<"$output")" "*note: 300 samples (the 1 heaviest carries * of all) can hardly tell functions apart: *"
}

@test "without any timer there is one table" {
    printf '%s\n' '9 m::x 11 main|/bin/a|a.c:1:1' '9 - 11 main|/bin/a|a.c:1:1' >one
    make_profile one.json one
    run -0 tare report one.json
    expect output "$output" "*no timer was open*"
    sed -i 1d one
    make_profile none.json one
    python "$here/make_results.py" set none.json profile.by_timer true
    run -0 tare report none.json
    [[ $output != *"no timer was open"* ]]
}

@test "lines stand beside their source, where it can be found" {
    shop
    run -0 tare report --annotate sort_orders shop.json
    expect output "$output" "*lines of sort_orders (shop)
self 20.0 ± 2.6 %, total 60.0 ± 3.1 % of 1000 samples

the source '/build/shop/src/shop.c' was not found: --source DIR says where it is
self %  total %  samples  line
           40.0      400    12
  20.0     20.0      200    14*"
    mkdir -p checkout/src
    for line in $(seq 20); do
        printf '\tline %d;\033[31m\r\n' "$line"
    done >checkout/src/shop.c
    touch -d 2020-01-01 checkout/src/shop.c
    run -0 tare report --annotate sort_orders --source checkout shop.json
    expect output "$output" "*source checkout/src/shop.c
self %  total %  samples  line  source
                             9      line 9;\x1B[31m
                            10      line 10;\x1B[31m
                            11      line 11;\x1B[31m
           40.0      400    12      line 12;\x1B[31m
                            13      line 13;\x1B[31m
  20.0     20.0      200    14      line 14;\x1B[31m
*"
    # Below the current folder, too; and a file that is younger than the profile may be another.
    touch checkout/src/shop.c
    cd checkout
    run -0 tare report --annotate less ../shop.json
    expect output "$output" "*source src/shop.c, which was changed after the profile was taken: *"
    [ "$(row 40.0)" = "40.0 400 4 line 4;\x1B[31m" ]
    run -0 tare report --annotate read ../shop.json
    expect output "$output" "*there is no debug information*"
}

@test "few samples are said to be few" {
    shop
    echo '9 - 11 main|/bin/a|a.c:1:1' >few
    make_profile few.json few
    run -0 tare report few.json
    expect output "$output" "*note: 9 samples can hardly tell functions apart: shares are known to up to
      27 points; profile for longer, or more often (-F)"
    : >none
    make_profile none.json none
    run -0 tare report none.json
    expect output "$output" "*note: no samples, so nothing is known of where the time went: *"
    tare report --format csv none.json
    tare report --format markdown none.json
}

@test "the table fits the terminal and has no control characters, whatever the names are" {
    shop
    name="std::map<$(printf 'very_long_name_%.0s' $(seq 20))>::f(int)"$'\e[31m'
    sed "s/sort_orders/$name/" stacks >long
    make_profile long.json long
    for columns in 40 60 79 80 120; do
        run -0 python "$here/terminal.py" --columns "$columns" tare report long.json
        [ "$(tr -d '\r' <<<"$output" | sed 's/\x1b\[[0-9;]*m//g' | wc -L)" -le "$columns" ]
    done
    run -0 tare report --format csv long.json
    expect output "$output" "*${name%$'\e'*}*"
    run -0 tare report long.json
    [[ $output != *$'\e'* ]]
    [ "$(wc -L <<<"$output")" -le 97 ]
    expect output "$output" "*\x1B[31m*"
    LC_ALL=C run -0 tare report shop.json
    expect output "$output" "*+- 95 %*"
    [[ $output != *±* ]]
}

@test "Markdown has the same rows" {
    shop
    run -0 tare report --format markdown --top 3 shop.json
    expect output "$output" "*| function | self % | ± 95 % | total % | samples | object |
| :--- | ---: | ---: | ---: | ---: | :--- |
| less | 40.0 | 3.1 | 40.0 | 400 | shop |
| sort\\_orders | 20.0 | 2.6 | 60.0 | 200 | shop |
| \\[k\\] do\\_syscall\\_64 | 13.0 | 2.2 | 13.0 | 130 | \\[kernel\\] |
*"
}

@test "a profile that was read and written is the same, and as the schema says" {
    shop
    tare report -o once.json shop.json
    tare report -o twice.json once.json
    cmp once.json twice.json
    [ "$(tare report shop.json)" = "$(tare report twice.json)" ]
    [ "$(tare report - <once.json)" = "$(tare report once.json)" ]
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" shop.json once.json
}

@test "options of profiles and of timers do not mix" {
    shop
    for option in --unit=ticks --columns=name --per-process --full --plot --all --max-overhead=5; do
        refuse "${option%%=*} is not for profiles" "$option" shop.json
    done
    refuse "no column 'net' in a profile: *" --sort net shop.json
    refuse "no column 'totl' in a profile: did you mean 'total'?" --sort totl shop.json
    tare run -o run.json nested
    for option in --top=3 --callers=main --callees=main --annotate=main --timer=m::x --by=thread --source=.; do
        refuse "${option%%=*} is for profiles, and this is a result of kind 'run'" "$option" run.json
    done
    refuse "unknown column 'self'*" --sort self run.json
    refuse "unknown word 'tread' for --by: did you mean 'thread'?" --by tread shop.json
    refuse "*--top*" --top many shop.json
}

@test "profiles of other tools are told by their content" {
    shop
    cat >perf.txt <<'END'
shop  1234 [001]  10.000001:   10101010 cpu-clock:
	    55d0c0a01234 less+0x4 (/usr/bin/shop)
	    55d0c0a01300 sort_orders+0x40 (/usr/bin/shop)
	    55d0c0a01400 main+0x10 (/usr/bin/shop)

shop  1234 [001]  10.010102:   10101010 cpu-clock:
	    55d0c0a01300 sort_orders+0x40 (/usr/bin/shop)
	    55d0c0a01400 main+0x10 (/usr/bin/shop)

END
    run -0 tare report perf.txt
    expect output "$output" "mode perf-script
*"
    [ "$(row sort_orders)" = "50.0 40.5 100.0 1 shop" ]
    # shellcheck disable=SC2002 # a pipe is wanted
    [ "$(cat perf.txt | tare report -)" = "$output" ]

    printf 'main;sort_orders;less 10\nmain;sort_orders 30\n' >stacks.folded
    run -0 tare report stacks.folded
    expect output "$output" "mode folded
*"
    # How many samples these are, nobody knows.
    [ "$(row sort_orders)" = "75.0 - 100.0 30" ]
    expect output "$output" "*how sure shares are*"

    : >empty
    refuse "cannot read 'empty': result is empty" empty
    printf 'PERFILE2' | cat - /dev/zero | head -c 200 >cut.data
    refuse "cannot read *" cut.data
    refuse "cannot read a perf.data from standard input: give its file" - <cut.data
    head -c 1000 "$(command -v tare)" >binary
    refuse "cannot read 'binary': *" binary
    gzip -c shop.json >shop.json.gz
    refuse "'shop.json.gz' is compressed: *" shop.json.gz
    echo "what is this" >text
    refuse "cannot read 'text': it is neither a result of tare, nor a page, nor a profile (*" text
    refuse "cannot read '/etc/passwd': it is neither a result of tare, nor a page, nor a profile (*" /etc/passwd
    echo 'shop  1234 oops' >almost
    refuse "cannot read 'almost': line 1 is none that 'perf script' prints" almost
}

@test "a damaged profile gives one line of error" {
    shop
    python "$here/make_results.py" set shop.json profile.nodes.parent.2 7
    refuse "cannot read 'shop.json': bad value in result: 'profile.nodes.parent[2]' is not *" shop.json
    python "$here/make_results.py" set shop.json profile null
    refuse "cannot read 'shop.json': not a whole result: 'profile' is missing" shop.json
}

@test "what cannot be read of another tool's profile is said, in each format" {
    printf 'a 9223372036854775808\nb 5\n' >stacks.folded
    run -0 --separate-stderr tare report stacks.folded
    expect output "$output" $'*\nnote: 1 line is left out: 1 with a number that is too large (line 1)'
    run -0 --separate-stderr tare report stacks.folded --format json
    [[ "$output" == *'1 line is left out'* ]] || fail "nothing said: $output"
    for format in csv folded speedscope; do
        run -0 --separate-stderr tare report stacks.folded --format "$format"
        expect stderr "$stderr" "tare: warning: 1 line is left out: 1 with a number that is too large (line 1)"
    done
    run -0 --separate-stderr tare flame stacks.folded -o flame.svg
    expect stderr "$stderr" "tare: warning: 1 line is left out: 1 with a number that is too large (line 1)"
    head -c 2000000 /dev/zero | tr '\0' a >long.folded
    echo ' 3' >>long.folded
    run -2 --separate-stderr tare report long.folded
    expect stderr "$stderr" "tare: cannot read 'long.folded': line 1 has a name that is too long: *"
    printf 'a 5 1.0: 9 cycles: \n\t 10 f (/a)\n\ngarbage line here\n' >script.txt
    run -0 --separate-stderr tare report script.txt
    expect output "$output" $'*\nnote: 1 line was not understood, the first of them line 4'
}
