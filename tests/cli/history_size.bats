#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history html: how large its file is, of a long past. (make bench-history-page also opens it.)

load common

@test "300 series of 1,000 points stay below 15 MB" {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
    export TARE_DB=$PWD/history.db TARE_PROJECT=demo
    python "$here/make_history.py" 300 1000 >past.json
    tare history import past.json >/dev/null
    tare history html -o perf.html
    size=$(stat -c %s perf.html)
    echo "$size bytes"
    [ "$size" -gt 5000000 ] && [ "$size" -lt 15000000 ]
}
