#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare doctor --against: whether this machine is the one of a result, and what differs if not.

load common

# A result, with parts of its fingerprint changed: change FILE PART VALUE-IN-JSON ...
change() {
    python - "$@" <<'END'
import json, sys
with open("result.json", encoding="utf-8") as file:
    result = json.load(file)
for part, value in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    if part in ("fingerprint", "schema_version"):
        result[part] = json.loads(value)
    else:
        assert part in result["fingerprint"]["parts"], part
        result["fingerprint"]["parts"][part] = json.loads(value)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(result, file)
END
}

make_result() {
    tare run -o result.json scenes exit 0
}

@test "a result of this machine" {
    make_result
    run -0 --separate-stderr tare doctor --against result.json
    expect output "$output" "same machine as that of 'result.json': all * parts of the fingerprint agree*"
    expect "standard error" "$stderr" ""
    run -0 tare doctor --against - <result.json
}

@test "parts that differ are named, with what is there and here" {
    make_result
    kernel=$(python -c 'import json; print(json.load(open("result.json"))["fingerprint"]["parts"]["kernel"])')
    change other.json kernel '"9.9 #1"' clocksource '"sundial"'
    run -1 --separate-stderr tare doctor --against other.json
    expect output "$output" "not the machine of 'other.json', or set otherwise: 2 of * parts of the fingerprint differ

kernel
    there: 9.9 #1
    here:  $kernel
clocksource, which is a setting
    there: sundial
    here:  *"
    expect "standard error" "$stderr" ""
}

@test "how it was measured does not make it another machine" {
    make_result
    change other.json tare_version '"0.0.1"' settings '"clock=sundial"'
    run -0 tare doctor --against other.json
}

@test "what neither side knows is said; what one side knows differs" {
    make_result
    change other.json microcode null libc null
    run -1 tare doctor --against other.json
    [[ $output == *$'\nlibc\n    there: unknown\n    here:  '* ]]
    change other.json turbo '"half"'
    run -1 tare doctor --against other.json
    [[ $output == *$'\nturbo, which is a setting\n    there: half\n    here:  '* ]]
}

@test "JSON says the same" {
    make_result
    change other.json memory '"1 MiB"'
    run -1 --separate-stderr tare doctor --against other.json --format json
    python - "$output" <<'END'
import json, sys
answer = json.loads(sys.argv[1])
assert answer["schema"] == "tare-doctor-against" and answer["schema_version"] == 1, answer
assert answer["result"] == "other.json" and answer["same"] is False, answer
parts = {part["name"]: part for part in answer["parts"]}
assert {"machine", "cpu_model", "governor", "mitigations"} <= set(parts), parts
assert not {"settings", "tare_version"} & set(parts), parts
assert [name for name, part in parts.items() if not part["same"]] == ["memory"], parts
assert parts["memory"]["there"] == "1 MiB" and parts["memory"]["here"] != "1 MiB", parts
assert parts["memory"]["kind"] == "identity" and parts["governor"]["kind"] == "setting", parts
END
    run -0 --separate-stderr tare doctor --against result.json --format json
    [ "$(python -c 'import json, sys; print(json.loads(sys.argv[1])["same"])' "$output")" = True ]
}

@test "a terminal does not obey what a result says" {
    make_result
    change other.json kernel '"\u001b[2Jx\u202e"'
    run -1 tare doctor --against other.json
    [[ $output == *'there: \x1B[2Jx\u202E'* ]]
}

@test "a result without a fingerprint, and other results that are none: one line, exit 2" {
    make_result
    change none.json fingerprint null
    run -2 tare doctor --against none.json
    expect message "$output" "tare: 'none.json' has no fingerprint: it is older than those, or was made from a page file; measure again"
    change newer.json schema_version 99
    run -2 tare doctor --against newer.json
    expect message "$output" "tare: cannot read 'newer.json': result has schema version 99, this tare reads up to *: use a newer tare"
    change broken.json fingerprint '{"hash": "x", "parts": {}}'
    run -2 tare doctor --against broken.json
    expect message "$output" "tare: cannot read 'broken.json': bad value in result: 'fingerprint.hash' is not a hash of 64 hexadecimal digits"
    head -c 500 result.json >short.json
    run -2 tare doctor --against short.json
    expect message "$output" "tare: cannot read 'short.json': result is cut short in line *"
    run -2 tare doctor --against missing.json
    expect message "$output" "tare: cannot read 'missing.json': No such file or directory"
    run -2 tare doctor --against .
    expect message "$output" "tare: cannot read '.': *Is a directory"
}

@test "output that cannot be written is no answer" {
    make_result
    for format in table json; do
        run -2 bash -c "tare doctor --against result.json --format $format 2>&1 >/dev/full"
        expect message "$output" "tare: cannot write to standard output"
    done
}
