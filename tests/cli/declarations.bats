#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What becomes of declarations and figures that a program gets wrong (programs/twins.c): every view tells states and parts
# of one name apart, what was a negative number is unknown or has a note, and the rest of the program is as ever.

load common
load serve_helpers

check_names() {
    python - "$1" <<'END'
import json, sys
found = {i["name"]: i for i in json.load(open(sys.argv[1]))["instruments"]}
names = lambda of: [state["name"] for state in found[of]["total"]["states"]]
assert names("dup") == ["a", "a#2", "2"], names("dup")
assert names("foreign") == ["foreign_one", "foreign_two"], names("foreign")
view = found["view"]
assert view["parts"] == ["cpu", "1", "cpu#2", "cpu#3"], view["parts"]
parts = [frame["part_ns"] for frame in view["last"]]
assert [[ns is None for ns in part] for part in parts] == [[False, False, True, False], [True, False, True, False], [False, False, True, False]], parts
assert all(900 < ns < 2100 for part in parts for ns in part if ns is not None), parts
END
}

check_notes() {
    python - "$1" <<'END'
import json, sys
notes = json.load(open(sys.argv[1]))["notes"]
assert len(notes) == len(set(notes)), notes
about = lambda what: [note for note in notes if what in note]
assert [note.rpartition(": ")[2] for note in about("above 2^63 - 1, as a subtraction")] == ["twins.heavy"], notes
assert [note.rpartition(": ")[2] for note in about("values above 2^63 - 1")] == ["twins.wrong"], notes
END
}

@test "states and parts of one name, or without one, have names of their own; what was negative is unknown, or noted" {
    start twins
    tare attach "$pid" -o result.json >table.txt
    check_names result.json
    check_notes result.json
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" result.json
    tare report result.json >table.txt
    grep -E '^a#2 ' table.txt
    grep -E '^cpu#2 +- ' table.txt
    tr -s ' \n' ' ' <table.txt | grep 'note: histograms with values above 2^63 - 1, as negative ones are taken, .*: twins.wrong'
    ! grep -E '[0-9]{6,}\.[0-9]+s' table.txt # such as 2^64 - 5 ns
}

@test "tare run shows them as well" {
    tare run -o result.json twins end
    check_names result.json
    check_notes result.json
}

@test "a capture has a note of weights that are unknown" {
    start twins
    tare record "$pid" --for 0.2 --interval 0.1 -o capture.json
    python - <<'END'
import json
notes = [note for note in json.load(open("capture.json"))["notes"] if "above 2^63 - 1, as a subtraction" in note]
assert len(notes) == 1 and notes[0].endswith(": twins.heavy"), notes
END
}

@test "/metrics has no series twice" {
    start twins
    begin_serving "$pid"
    local format type
    for format in openmetrics prometheus; do
        type=$([ "$format" = openmetrics ] && echo application/openmetrics-text || echo text/plain)
        ask_for 200 GET /metrics -H "Accept: $type"
        printf '%s\n' "$body" >text
        grep -q 'a#2' text
        grep -q '"cpu#3"' text
        python "$here/check_metrics.py" "$format" <text
    done
    # Else it would have, which the checker sees.
    sed 's/cpu#3/cpu/' text >same.text
    run -1 python "$here/check_metrics.py" prometheus <same.text
    [[ $output == *"'twins_view_frames_part_seconds' with these labels a second time"* ]]
    end_serving
}

@test "a page of somebody else that has them is shown so, too" {
    TARE_PAGE=$PWD/twins.page twins end
    python - <<'END'
data = open("twins.page", "r+b")
strings = data.read(1 << 21)
at = strings.index(b"foreign_one\0foreign_two\0")
data.seek(at)
data.write(b"foreign_one\0foreign_one\0")
END
    tare report --format json -o result.json twins.page
    python - <<'END'
import json
states = [i["total"]["states"] for i in json.load(open("result.json"))["instruments"] if i["name"] == "foreign"][0]
assert [s["name"] for s in states] == ["foreign_one", "foreign_one#2"], states
END
}
