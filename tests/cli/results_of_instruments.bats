#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Counters, gauges, histograms, states, top-k and frames in what tare run, attach and report show. The program
# `instruments N` makes N beats and waits.

load common

check() {
    python "$here/check_result.py" "$@"
}

# A page of 20 beats, read while the program waits.
twenty() {
    start instruments 20
    tare attach "$pid" "$@"
}

@test "the table has a section for each kind, in 80 columns" {
    twenty >table.txt
    grep -E '^panel\.beats +20$' table.txt
    grep -E '^panel\.io\.bytes\{direction=in\} +2000 bytes$' table.txt
    grep -E '^panel\.depth +9 +9$' table.txt
    grep -E '^panel\.sizes +20 ' table.txt
    grep -E '^panel\.mode: 40 changes$' table.txt
    grep -E '^0x4 +20 +0 ' table.txt
    grep -E '^panel\.view: 20 frames, 0 dropped, 0 slow' table.txt
    grep -E '^1 instrument counted nothing' table.txt
    sed -n '/^counters /,/counted nothing/p' table.txt >sections.txt
    run -1 grep -E '.{81}' sections.txt
}

@test "JSON has all of them, is as the schema says, and is the same when it is read again" {
    twenty -o result.json
    check schema "$source_dir/docs/result.schema.json" result.json
    tare report --format json -o again.json result.json
    cmp result.json again.json
    python - <<'END'
import json
found = {}
for i in json.load(open("result.json"))["instruments"]:
    found[i["module"] + "." + i["name"] + (i["labels"] or "")] = i
total = {name: i["total"] for name, i in found.items()}
assert total["panel.beats"]["total"] == 20
assert total["panel.io.bytesdirection=out"]["total"] == 140
assert total["panel.depth"] == {"value": 9, "peak": 9}
assert total["panel.never_known"] == {"value": None, "peak": None}
assert total["panel.sizes"]["distribution"]["count"] == 20
assert [s["name"] for s in total["panel.mode"]["states"]] == ["idle", "busy"]
assert {k["key"]: k["weight"] for k in total["panel.keys"]["keys"]} == {hex(k): 4 * (1 + k) for k in range(5)}
assert total["panel.view"]["frames"] == 20 and len(found["panel.view"]["last"]) == 20
assert found["panel.view"]["last"][0]["part_ns"][1] is None
END
}

@test "CSV has them in a second table, and Markdown has tables of its own" {
    twenty -o result.json
    tare report --format csv -o result.csv result.json
    grep -c '^$' result.csv | grep -x 1
    grep -x 'counter,panel,beats,,,total,,20' result.csv
    grep -x 'gauge,panel,never_known,,,value,bytes,' result.csv
    grep -x 'topk,panel,keys,,0x4,weight,,20' result.csv
    tare report --format markdown result.json | grep -xF '| panel.beats | 20 |  |'
}

@test "attach --for: what came in that time" {
    start instruments
    tare attach "$pid" --for 0.3 -o window.json
    tare attach "$pid" -o total.json
    python - <<'END'
import json
def of(path):
    return {i["name"]: i["total"] for i in json.load(open(path))["instruments"]}
window, total = of("window.json"), of("total.json")
assert 0 < window["beats"]["total"] <= total["beats"]["total"] - 10  # those before "ready" are not in it
assert window["view"]["frames"] <= window["beats"]["total"] + 1
assert window["depth"]["peak"] is None and window["depth"]["value"] is not None
END
}

@test "a program without any has no section, and no second table" {
    tare run -o result.json nested
    run -0 tare report result.json
    [[ $output != *counted\ nothing* && $output != *counters* ]]
    tare report --format csv result.json >result.csv
    run -1 grep -c '^$' result.csv
}
