#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare doctor PROGRAM: what can be measured in a program or library, without running it.

load common

needs_libelf() {
    tare info --format json | python -c 'import json, sys; sys.exit(json.load(sys.stdin)["libraries"]["libelf"] is None)' ||
        skip "built without libelf"
}

# compile NAME FLAGS...: a small program with functions that call each other.
compile() {
    local name=$1
    shift
    command -v "${CC:-cc}" >/dev/null || skip "no compiler '${CC:-cc}'"
    [ -e three.c ] || cat >three.c <<'END'
int (*volatile hook)(int, const char *);
__attribute__((noinline)) int one(int a, const char *text) { return hook(a, text) + hook(a + 1, text); }
__attribute__((noinline)) int two(int a, const char *text) { return one(a, text) * hook(a + 2, text); }
__attribute__((noinline)) int three(int a, const char *text) { return two(a, text) + one(a + 3, text); }
int main(void) { return hook != 0 ? three(1, "") : 0; }
END
    "${CC:-cc}" "$@" three.c -o "$name"
}

# field NAME: the text behind a label of the table in $output, with the lines that continue it, as one line.
field() {
    awk -v label="$1" 'substr($0, 3, length(label) + 1) == label " " { on = 1; printf "%s", substr($0, 20); next }
        on && substr($0, 1, 19) ~ /^ *$/ && length($0) > 19 { printf " %s", substr($0, 20); next } { on = 0 }' <<<"$output"
}

get() { # JSON, PATH...
    python -c 'import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

@test "a program with timers: which libtare will be loaded, and how many timers there are" {
    needs_libelf
    run -0 tare doctor scenes
    version=$(tare --version)
    expect libtare "$(field libtare)" "*/libtare.so.* version ${version#tare }, build id*"
    expect timers "$(field timers)" "$(tare list scenes | wc -l) of its own, 0 of its libraries, made with ABI 1 of tare.h"
    expect path "${lines[0]}" "*/scenes"
    expect kind "$(field kind)" "program*"
}

@test "a program that knows nothing of tare" {
    needs_libelf
    run -0 tare doctor plain
    expect libtare "$(field libtare)" "none: not linked with it"
    expect timers "$(field timers)" "none"
    expect lbr "$(field '        lbr')" "unknown: *"
}

@test "the build id is the one in the file" {
    needs_libelf
    not_with_sanitizer "the linker's defaults are asked for"
    compile with-id -Wl,--build-id=sha1
    compile without-id -Wl,--build-id=none
    run -0 tare doctor ./with-id
    [ "$(field 'build id')" = "$(readelf -n with-id | awk '/Build ID/ { print $3 }')" ]
    run -0 tare doctor ./without-id
    [ "$(field 'build id')" = none ]
}

@test "frame pointers are judged by the code" {
    needs_libelf
    compile kept -O2 -fno-omit-frame-pointer
    compile omitted -O2 -fomit-frame-pointer
    run -0 tare doctor ./kept
    expect kept "$(field 'frame pointers')" "yes: kept in 100 % of *"
    case $(field "profile fp") in no:*) fail "$output" ;; esac
    run -0 tare doctor ./omitted
    expect omitted "$(field 'frame pointers')" "no: kept in 0 % of *"
    expect fp "$(field 'profile fp')" "no: *-fno-omit-frame-pointer"
}

@test "the verdict is the same for a stripped program" {
    needs_libelf
    command -v strip >/dev/null || skip "no strip"
    for flag in -fno-omit-frame-pointer -fomit-frame-pointer; do
        compile whole -O1 $flag
        strip -o stripped whole
        tare doctor --format json ./whole >whole.json
        tare doctor --format json ./stripped >stripped.json
        [ "$(get whole.json frame_pointers kept)" = "$(get stripped.json frame_pointers kept)" ]
        [ "$(get whole.json frame_pointers functions_from)" = .symtab ]
        [ "$(get stripped.json frame_pointers functions_from)" = .eh_frame ]
        [ "$(get stripped.json symbols table)" = .dynsym ]
    done
}

@test "a library of the program is judged, too, and libc is among them" {
    needs_libelf
    compile kept -O2 -fno-omit-frame-pointer
    tare doctor --format json ./kept >kept.json
    python - kept.json <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
libraries = {one["name"]: one for one in document["libraries"]}
libc = [one for name, one in libraries.items() if name.startswith("libc.so")]
assert len(libc) == 1 and libc[0]["frame_pointers"]["counted"] > 100, libraries
fp = document["profiling"]["fp"]
if libc[0]["frame_pointers"]["kept"] == "yes":
    assert fp["works"] == "yes", fp
else:
    assert fp["works"] == "partly" and libc[0]["name"] in fp["why"], fp
END
}

@test "debug info, optimisation and unwind tables are as they were asked for" {
    needs_libelf
    compile probe -O2 -g
    tare doctor --format json ./probe >probe.json
    [ "$(get probe.json debug_info level)" = full ]
    case $(get probe.json flags kinds 0 compiler) in
        GNU*) [ "$(get probe.json flags kinds 0 optimisation)" = -O2 ] ;;
    esac
    [ "$(get probe.json unwind eh_frame)" = True ]
    [ "$(get probe.json profiling dwarf works)" = yes ]
    compile probe -O2 -g0
    run -0 tare doctor ./probe
    expect debug "$(field 'debug info')" "none, and no separate file*"
    expect optimisation "$(field optimisation)" "not recorded*"
    expect unknown "$(field 'not known')" "how all of it was optimised*"
    compile probe -O2 -g0 -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer
    run -0 tare doctor ./probe
    expect dwarf "$(field '        dwarf')" "no: *-fasynchronous-unwind-tables"
    expect built-in "$(field '        built-in')" "no: *"
}

@test "static programs" {
    needs_libelf
    command -v plain_static >/dev/null || skip "the C library cannot be linked statically here"
    run -0 tare doctor plain_static
    expect kind "$(field kind)" "program, static*"
    expect libc "$(field 'run --libc')" "no: *statically linked*"
    [[ $output != *"  library "* ]]
}

@test "JSON and the table agree" {
    needs_libelf
    for program in scenes plain syscall-path; do
        tare doctor --format json "$program" >document.json
        run -0 tare doctor "$program"
        [ "$(get document.json schema)" = tare-doctor-binary ]
        [ "$(get document.json schema_version)" = 1 ]
        expect path "${lines[0]}" "$(get document.json path)"
        expect kept "$(field 'frame pointers')" "$(get document.json frame_pointers kept): *"
        timers=$(get document.json libtare own_timers)
        expect timers "$(field timers)" "$([ "$timers" = 0 ] && echo '*' || echo "$timers of its own*")"
        for mode in fp dwarf lbr built-in; do
            label="        $mode"
            [ $mode != fp ] || label='profile fp'
            expect "$mode" "$(field "$label")" "$(get document.json profiling $mode works): $(get document.json profiling $mode why)"
        done
        for library in $(python -c 'import json; print(*[one["name"] for one in json.load(open("document.json"))["libraries"]])'); do
            expect "$library" "$output" "*  $library *"
        done
    done
}

@test "no line is wider than 80 columns, but for a word that is" {
    needs_libelf
    cp "$(command -v plain)" .
    for program in ./plain sh ls; do
        run -0 tare doctor "$program"
        while IFS= read -r line; do
            [ "${#line}" -le 80 ] || [ "$(wc -w <<<"$line")" -eq 1 ] || fail "too wide: $line"
        done <<<"$output"
    done
}

@test "found in PATH, or taken as a file" {
    needs_libelf
    cp "$(command -v plain)" of-my-own
    run -0 tare doctor of-my-own
    [ "${lines[0]}" = of-my-own ]
    run -0 tare doctor plain
    [ "${lines[0]}" = "$(command -v plain)" ]
    chmod -x of-my-own
    run -0 tare doctor ./of-my-own
}

@test "a script: its interpreter is named" {
    needs_libelf
    printf '#!/bin/sh\n' >script
    run -2 tare doctor ./script
    [ "$output" = "tare: './script' is a script for '/bin/sh': look at that one, with 'tare doctor /bin/sh'" ]
    printf '#!/usr/bin/env sh\n' >by-env
    run -2 tare doctor ./by-env
    [ "$output" = "tare: './by-env' is a script for '$(command -v sh)': look at that one, with 'tare doctor $(command -v sh)'" ]
}

@test "what is no program gives one line of error" {
    needs_libelf
    command -v readelf >/dev/null || skip "no readelf"
    echo text >text
    : >empty
    mkdir folder
    mkfifo fifo
    compile object.o -c
    printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0%044d' 0 >narrow
    cp "$(command -v plain)" dumped
    printf '\4' | dd of=dumped bs=1 seek=16 conv=notrunc status=none
    for name in text empty folder fifo object.o narrow dumped missing; do
        run -2 tare doctor "./$name"
        [ "${#lines[@]}" -eq 1 ] || fail "$name" "$output"
        expect "$name" "$output" "tare: *'./$name'*"
        run -2 --separate-stderr tare doctor --format json "./$name"
        [ -z "$output" ]
    done
    run -2 tare doctor ./object.o
    expect object "$output" "*is an object file*"
    run -2 tare doctor ./dumped
    expect core "$output" "*is a core dump*"
    run -2 tare doctor ./narrow
    expect "32 bits" "$output" "*is a 32-bit file*"
}

@test "a program that was cut anywhere gives one line of error" {
    needs_libelf
    program=$(command -v plain)
    size=$(stat -c %s "$program")
    for length in 3 10 63 64 200 1000 $((size / 2)) $((size - 1)); do
        head -c "$length" "$program" >cut
        run -2 tare doctor ./cut
        [ "${#lines[@]}" -eq 1 ] || fail "cut to $length bytes" "$output"
        expect "cut to $length bytes" "$output" "tare: './cut' *"
    done
}

@test "output that cannot be written: a message and a code" {
    needs_libelf
    for format in table json; do
        run -2 bash -c "tare doctor --format $format plain 2>&1 >/dev/full"
        expect output "${lines[0]}" "tare: cannot write *"
    done
}
