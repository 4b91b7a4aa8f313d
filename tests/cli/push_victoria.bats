#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare serve --push to VictoriaMetrics, itself, behind proxies and behind vmagent, across a kill -9 of either side.

load common
load serve_helpers

needs_program() {
    command -v "$1" >/dev/null || skip "no $1"
}

@test "pushing to VictoriaMetrics across a kill -9 of either side: each sample once" {
    needs_push
    needs_program victoria-metrics
    start instruments
    program=$pid
    python "$here/serve_victoria.py" "$program" || fail "$(cat serve.err victoria.err 2>/dev/null | tail -20)"
}

@test "pushing to VictoriaMetrics by the cluster's paths, which --push-ask completes, across the same: each sample once" {
    needs_push
    needs_program victoria-metrics
    start instruments
    program=$pid
    python "$here/serve_victoria.py" "$program" cluster || fail "$(cat serve.err victoria.err 2>/dev/null | tail -20)"
}

@test "pushing where nobody can be asked: said once, and a store that drops what it has keeps each sample once" {
    needs_push
    needs_program victoria-metrics
    start instruments
    program=$pid
    python "$here/serve_victoria.py" "$program" blind || fail "$(cat serve.err victoria.err 2>/dev/null | tail -20)"
}

@test "pushing through vmagent, with a kill -9 of tare serve: each sample, and twice only what was under way" {
    needs_push
    needs_program victoria-metrics
    needs_program vmagent
    start instruments
    program=$pid
    python "$here/serve_victoria.py" "$program" agent || fail "$(cat serve.err victoria.err agent.err 2>/dev/null | tail -20)"
}
