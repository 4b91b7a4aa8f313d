#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare info: which tare this is, and what it finds here.

load common

@test "version, build, clock and libraries" {
    run -0 tare info
    version=$(tare --version)
    expect version "${lines[0]}" "tare *${version#tare }"
    expect output "$output" $'*\nbuild *\nflags *\nclock *MHz within * ppm*\nclocks *\njansson *\nlibelf *'
}

@test "the version is the header's" {
    numbers=$(sed -n 's/^#define TARE_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$source_dir/include/tare/version.h")
    [ "$(tare --version)" = "tare $(echo $numbers | tr ' ' .)" ]
}

@test "the clock is the one that tare run uses" {
    clock=$(tare info --format json | python -c 'import json, sys; print(json.load(sys.stdin)["clock"]["name"])')
    run -0 tare run scenes exit 0
    expect output "$output" $'*\n'"clock $clock, *"
}

@test "JSON says the same" {
    run -0 --separate-stderr tare info --format json
    python - "$output" "$(tare --version)" <<'END'
import json, sys
info = json.loads(sys.argv[1])
assert info["schema"] == "tare-info" and info["schema_version"] == 1, info
assert "tare " + info["version"] == sys.argv[2], info
assert info["clock"]["rate_hz"] > 1e6 and info["clock"]["rate_error_ppm"] >= 0, info
assert set(info["libraries"]) >= {"jansson", "libelf"}, info
END
}

@test "output that cannot be written: a message and a code" {
    for format in table json; do
        run -2 bash -c "tare info --format $format 2>&1 >/dev/full"
        expect output "${lines[0]}" "tare: cannot write to standard output*"
    done
}
