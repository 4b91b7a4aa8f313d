#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare serve, and thousands of requests that fuzz_http.py makes up. TARE_FUZZ_SECONDS makes it longer, TARE_SEED another one.

load common
load serve_helpers

@test "requests of a grammar and its mistakes: it answers as before, and keeps nothing" {
    needs_server
    start instruments
    run -0 python "$here/fuzz_http.py" "$pid"
    printf '# %s\n' "${lines[@]}" >&3
    expect output "$output" '*no token: *answers *200:*with a token: *answers *200:*'
}
