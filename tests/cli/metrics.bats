#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Metrics as text: every snapshot of the unit tests, the hostile one too, against the rules of both formats, and against
# Prometheus's own checker.

load common
load serve_helpers

print_metrics() {
    "$build_dir/tests/unit/unit_openmetrics" --print "$@"
}

needs_print() {
    [ -x "$build_dir/tests/unit/unit_openmetrics" ] || skip "built without cmocka"
}

check_all() {
    local which kind
    needs_print
    for which in sample hostile one_name sets large unknown meeting empty; do
        for kind in "$1" "$1-histograms" "$1-timestamps" "$1-totals"; do
            print_metrics "$kind" "$which" >text
            python "$here/check_metrics.py" "$1" <text || fail "$kind $which"
        done
    done
}

@test "OpenMetrics text keeps to the rules of OpenMetrics" {
    check_all openmetrics
}

@test "Prometheus text keeps to the rules of Prometheus" {
    check_all prometheus
}

@test "the checker sees what breaks them" {
    local text='# HELP a b\n# TYPE a gauge\n'
    # breaks FORMAT TEXT
    breaks() {
        run -1 python "$here/check_metrics.py" "$1" < <(printf '%b' "$2")
    }
    printf '%ba 1\n# EOF\n' "$text" | python "$here/check_metrics.py" openmetrics
    breaks openmetrics "${text}a 1\n"
    breaks openmetrics "${text}a 1\na 2\n# EOF\n"
    breaks openmetrics "${text}a{x=\"1\",x=\"2\"} 1\n# EOF\n"
    breaks openmetrics "${text}a{x=\"\"\"} 1\n# EOF\n"
    breaks openmetrics "${text}b 1\n# EOF\n"
    breaks openmetrics "# HELP a b\n# TYPE a counter\na 1\n# EOF\n"
    breaks openmetrics "# HELP a b\n# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n"
    breaks openmetrics "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n"
    breaks openmetrics "# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n# EOF\n"
    breaks openmetrics "# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n# EOF\n"
    breaks openmetrics "# HELP a b\n# TYPE a counter\na_total 1\n# HELP a_total b\n# TYPE a_total gauge\na_total 1\n# EOF\n"
    breaks prometheus "# HELP a b\n# TYPE a counter\na 1\n"
    breaks prometheus "${text}a 1 1.5\n"
}

@test "promtool finds nothing to say" {
    local which kind
    needs_print
    command -v promtool >/dev/null || skip "no promtool: Debian's package prometheus has it"
    for which in sample sets large unknown empty; do
        for kind in prometheus prometheus-histograms; do
            run -0 promtool check metrics < <(print_metrics "$kind" "$which")
            [ -z "$output" ]
        done
    done
    # Names that a program has chosen may offend its taste, which is 3, but have to be read, which would be 1.
    for which in hostile meeting; do
        for kind in prometheus prometheus-histograms; do
            run -3 promtool check metrics < <(print_metrics "$kind" "$which")
            [[ $output != *error* ]]
        done
    done
}

# families_of PROGRAM: what it says of itself, and how it is served, become two more words of $families.
families_of() {
    local name
    name=$(basename "$1")
    "$@" >/dev/null 2>&1 3>&- &
    pid=$!
    started+=("$pid")
    await in_ps "$pid" enabled
    begin_serving "$pid"
    # Figures of windows are there from the second reading on; the families are the same from then on.
    rolls() {
        curl -s -H 'Accept: application/openmetrics-text' "${url}metrics" >"$name.text" &&
            grep -q '^tare_window_seconds[{ ]' "$name.text" &&
            tare top "$pid" --once --format json >"$name.json"
    }
    await rolls
    families+=("$name.json" "$name.text")
    kill "$server" "$pid"
    wait "$server"
}

@test "docs/metrics.md describes what programs and the examples serve, and nothing else" {
    needs_server
    command -v curl >/dev/null || skip "no curl"
    local families=()
    export TARE_ENABLE='*'
    families_of instruments
    families_of telemetry
    families_of unknowns
    families_of counters 60
    [ ! -x "$build_dir/bin/frames" ] || families_of frames --frames 100000 --fps 50
    [ ! -x "$build_dir/bin/luajit_host" ] || families_of luajit_host --seconds 60
    python "$here/check_families.py" "$source_dir/docs/metrics.md" "${families[@]}"
    # It sees what is missing on either side.
    # shellcheck disable=SC2016
    sed 's/`tare_read_seconds`, //' "$source_dir/docs/metrics.md" >less.md
    run -1 python "$here/check_families.py" less.md "${families[@]}"
    [[ $output == *"'tare_read_seconds' is not in the document"* ]]
    sed -i 's/^# TYPE panel_depth_peak gauge/# TYPE panel_depth_top counter/' instruments.text
    run -1 python "$here/check_families.py" "$source_dir/docs/metrics.md" "${families[@]}"
    [[ $output == *"'panel_depth_top' is not in the document"*"'panel_depth_peak' is in the document, and not in the text"* ]]
}
