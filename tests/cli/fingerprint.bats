#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The fingerprint in results, in tables and in tare info.

load common

# field FILE EXPRESSION: of the fingerprint f in a result.
field() {
    python -c 'import json, sys
f = json.load(open(sys.argv[1]))["fingerprint"]
print(eval(sys.argv[2]))' "$1" "$2"
}

@test "it is in the result, as the schema says" {
    tare run -o result.json scenes exit 0
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" result.json
    [ "$(field result.json 'f["parts"]["settings"]')" = "clock=$(field result.json 'f["parts"]["settings"].split()[0][6:]') histograms=yes libc=no exclusive=no pin=no only=*" ]
}

@test "the hash is SHA-256 over the parts, for whoever computes it again" {
    tare run -o result.json scenes exit 0
    field result.json '"\n".join(f"{name}={value or str()}" for name, value in f["parts"].items())' |
        sed 's/=$/=unknown/' | sha256sum >sum
    [ "$(cut -d' ' -f1 sum)" = "$(field result.json 'f["hash"]')" ]
}

@test "two runs have one; the table shows it, and tare info too" {
    tare run -o first.json scenes exit 0
    tare run -o second.json --repeat 2 --timeout 60 scenes exit 0
    hash=$(field first.json 'f["hash"]')
    [ "$(field second.json 'f["hash"]')" = "$hash" ]
    for format in table markdown; do
        run -0 tare report --format "$format" first.json
        [[ $output == *$'\n'"fingerprint ${hash:0:16}: "* ]]
    done
    run -0 tare info
    [[ $output == *$'\n'"fingerprint ${hash:0:16}, of 'tare run' without options"$'\n'* ]]
    [ "$(tare info --format json | python -c 'import json, sys; print(json.load(sys.stdin)["fingerprint"]["hash"])')" = "$hash" ]
}

@test "the settings that decide on the figures are in it" {
    tare run -o plain.json scenes exit 0
    for option in --clock=clock --no-histogram --exclusive --pin=0 '--only=scenes::step'; do
        rm -f other.json
        tare run -o other.json "$option" scenes exit 0 >/dev/null
        python - "$option" <<'END' || fail "with '$option'"
import json, sys
plain, other = (json.load(open(name))["fingerprint"] for name in ("plain.json", "other.json"))
assert plain["hash"] != other["hash"]
different = [name for name in plain["parts"] if plain["parts"][name] != other["parts"][name]]
assert different == ["settings"], different
END
    done
    TARE_HISTOGRAM=off TARE_CLOCK=clock tare run -o other.json scenes exit 0
    [ "$(field other.json 'f["parts"]["settings"]')" = "clock=clock histograms=no libc=no exclusive=no pin=no only=*" ]
    default=$(field plain.json 'f["parts"]["settings"].split()[0][6:]')
    tare run --clock "$default" -o other.json scenes exit 0
    [ "$(field other.json 'f["hash"]')" = "$(field plain.json 'f["hash"]')" ]
}

@test "those of tare stat and of commands, where they are asked for" {
    settings() { field "$1" 'f["parts"]["settings"]'; }
    tare stat -o result.json -n 2 --timeout 60 -- true >/dev/null
    [ "$(settings result.json)" = stat ] # --repeat makes a mean of more runs
    tare stat -o result.json --pin 0 -e page-faults,context-switches:u -- true >/dev/null
    [ "$(settings result.json)" = "stat pin=0 events=page-faults,context-switches:u" ]
    start scenes spin
    tare stat -o result.json -p "$pid" --for 0.1 >/dev/null
    [ "$(settings result.json)" = "stat attached for=0.1" ]

    tare bench --time 0.05 --no-counts -o result.json true >/dev/null
    [ "$(settings result.json)" = "bench command shell=sh pin=no input=none" ]
    tare bench --time 0.05 --no-counts -o result.json -w 2 --setup 'true a' --prepare 'true b' --prepare 'true c' \
        --conclude 'true d' --cleanup 'true e' --show-output true --vs true >/dev/null
    [ "$(settings result.json)" = "bench command shell=sh pin=no input=none warmup=2 setup='true a' prepare='true b' 'true c' conclude='true d' output=shown" ]
}

@test "attach says that it does not know how the process was started" {
    start scenes spin
    tare attach --for 0.1 -o result.json "$pid"
    expect settings "$(field result.json 'f["parts"]["settings"]')" "attached clock=* histograms=yes window=yes enable=- disable=-"
}

@test "a page file has none: nobody knows where it was written" {
    TARE_PAGE=$PWD/page scenes exit 0
    run -0 tare report page
    [[ $output != *fingerprint* ]]
    tare report --format json page >page.json
    [ "$(python -c 'import json; print(json.load(open("page.json"))["fingerprint"])')" = None ]
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" page.json
}
