#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Prometheus scrapes tare serve, and answers queries with what the program counted, exactly. prometheus_query.py asks it.

load common

setup_file() {
    command -v prometheus >/dev/null || skip "no prometheus: Debian's package of that name has it"
}

needs_server() {
    tare info --format json | python -c 'import json, sys
sys.exit(json.load(sys.stdin)["libraries"]["libmicrohttpd"] is None)' || skip "built without libmicrohttpd"
}

begin_serving() {
    needs_server
    tare serve --listen 127.0.0.1:0 "$@" >serve.out 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on ' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
}

free_port() {
    python -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])'
}

# begin_prometheus [MORE]: with a configuration that scrapes $url every two seconds, and says MORE of that. $prometheus
# is its address. Another may have got the port meanwhile: then with another one.
begin_prometheus() {
    local target=${url#http://} port tries
    cat >prometheus.yml <<YAML
global:
  scrape_interval: 2s
  scrape_timeout: 2s
scrape_configs:
  - job_name: tare
    static_configs:
      - targets: ["${target%%/*}"]
${1:-}
YAML
    promtool check config prometheus.yml
    for tries in 1 2 3; do
        port=$(free_port)
        prometheus=http://127.0.0.1:$port
        prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$port" \
            --log.level=debug >prometheus.log 2>&1 3>&- &
        local pid=$!
        started+=("$pid")
        # shellcheck disable=SC2016
        if await sh -c 'kill -0 "$1" 2>/dev/null || exit 0; python3 "$2" "$3" ready "$4"' - "$pid" "$here/prometheus_query.py" \
            "$prometheus" "${target%%/*}" && kill -0 "$pid" 2>/dev/null; then
            return
        fi
    done
    fail "prometheus did not start" "$(cat prometheus.log)"
}

# As await, for a machine that is so busy that a scrape takes seconds.
await_long() {
    await "$@" || await "$@" || await "$@" || await "$@"
}

# answer EXPRESSION: the same, as soon as there is one.
answer() {
    local value
    has_come() {
        value=$(query "$1")
    }
    await_long has_come "$1" && echo "$value"
}

# That every scrape that came was understood, and whole.
no_scrape_was_refused() {
    ! grep -E 'Append failed|Error on ingesting|invalid' prometheus.log || fail "$(cat prometheus.log)"
}

# query EXPRESSION: the value of the only series there is; fails if there is none, or more.
query() {
    python "$here/prometheus_query.py" "$prometheus" value "$1"
}

is() {
    [ "$(query "$1")" = "$2" ]
}

# comes EXPRESSION VALUE: waits for it; says what the two servers have said, where it does not come. On a busy machine a
# scrape may be late, and then all is stale until the next one: what is scraped has to be waited for each time.
comes() {
    await_long is "$@" || fail "$(python "$here/prometheus_query.py" "$prometheus" targets)" "$(cat prometheus.log serve.err)"
}

@test "what has been counted is what Prometheus answers, to the last one" {
    start instruments 1000
    begin_serving "$pid"
    begin_prometheus
    comes 'panel_beats_total' 1000
    comes 'panel_io_bytes_total{direction="in"}' 100000
    comes 'panel_io_bytes_total{direction="out"}' 7000
    comes 'sum(panel_io_bytes_total)' 107000
    comes 'panel_depth' 9
    comes 'panel_depth_peak' 9
    [ "$(query 'count(panel_never_known_bytes) or vector(0)')" = 0 ]
    comes 'panel_sizes_bytes_count' 1000
    # 1, 2, 4 ... 2048 in turn: 84 of each of the first four, 83 of the others.
    comes 'panel_sizes_bytes_sum' "$(python -c 'print(sum(1 << i % 12 for i in range(1000)))')"
    comes 'panel_sizes_bytes_bucket{le="1.0"}' 84
    comes 'panel_sizes_bytes_bucket{le="15.0"}' 336
    comes 'panel_sizes_bytes_bucket{le="+Inf"}' 1000
    # A median that its bucket has: the 500th smallest is 2^5 or 2^6.
    python -c 'import sys; sys.exit(not 31 <= float(sys.argv[1]) <= 63)' "$(answer 'histogram_quantile(0.5, panel_sizes_bytes_bucket)')"
    comes 'tare_timer_seconds_count{module="panel", timer="work"}' 1000
    comes 'panel_view_frames_seconds_count' 1000
    comes 'panel_keys_topk_weight_total' 3000
    comes 'panel_keys_topk_key_weight{key="0x4"}' 1000
    comes 'panel_keys_topk_key_error{key="0x4"}' 0
    comes 'panel_mode_state_threads{state="idle"}' 1
    comes "tare_process_alive{pid=\"$pid\"}" 1
    comes 'sum(tare_lost_total)' 0
    # Nothing comes any more: no rate, and no reset in what was scraped.
    [ "$(query 'resets(panel_beats_total[1m])')" = 0 ]
}

@test "quantiles are those that tare itself says" {
    start instruments 1000
    tare record "$pid" --for 0.1 --interval 0.1 -o cap.json
    begin_serving "$pid"
    begin_prometheus
    comes 'tare_timer_seconds_count{timer="work"}' 1000
    tare top "$pid" --once --format json >snapshot.json
    python - "$(answer 'tare_timer_seconds{timer="work", quantile="0.5"}')" \
        "$(answer 'tare_timer_seconds{timer="work", quantile="0.99"}')" "$(answer 'tare_timer_seconds_sum{timer="work"}')" <<'PYTHON'
import json, sys
snapshot = json.loads(open("snapshot.json").readline())
timer = [i for p in snapshot["processes"] for i in p["instruments"] if i["name"] == "work"][0]["total"]
for value, key in zip(sys.argv[1:], ("raw_p50_ns", "raw_p99_ns", "raw_total_ns")):
    # The length of a tick is known the better, the longer the process has run.
    assert abs(float(value) * 1e9 - timer[key]) <= 1e-3 * timer[key], (key, value, timer[key])
PYTHON
}

@test "timers as histograms: Prometheus' quantiles are within the bucket that tare's are in" {
    start instruments 1000
    begin_serving "$pid"
    begin_prometheus '    params: {timers: [histogram]}'
    comes 'tare_timer_seconds_bucket{timer="work", le="+Inf"}' 1000
    comes 'tare_timer_seconds_count{module="panel", timer="work"}' 1000
    [ "$(query 'count(tare_timer_seconds{timer="work"}) or vector(0)')" = 0 ] # no summary
    # Each bound has at least as many as the one below.
    [ "$(query 'count(tare_timer_seconds_bucket{timer="work"} > 1000) or vector(0)')" = 0 ]
    tare top "$pid" --once --format json >snapshot.json
    python - "$(answer 'histogram_quantile(0.5, tare_timer_seconds_bucket{timer="work"})')" \
        "$(answer 'histogram_quantile(0.99, tare_timer_seconds_bucket{timer="work"})')" \
        "$(answer 'tare_timer_seconds_sum{timer="work"}')" <<'PYTHON'
import json, math, sys
snapshot = json.loads(open("snapshot.json").readline())
timer = [i for p in snapshot["processes"] for i in p["instruments"] if i["name"] == "work"][0]["total"]
half, most, total = (float(value) * 1e9 for value in sys.argv[1:])
# Bounds are 2^k ns, and what is near one may be in the bucket beside it, by 3.2 %.
for value, key in ((half, "raw_p50_ns"), (most, "raw_p99_ns")):
    low, high = (2.0 ** math.floor(math.log2(timer[key] * f)) * g for f, g in ((1 / 1.04, 1), (1.04, 2)))
    assert low <= value <= high, (key, value, timer[key])
assert abs(total - timer["raw_total_ns"]) <= 1e-3 * total, (total, timer["raw_total_ns"])
PYTHON
}

@test "a count that grows is never behind what was counted, nor ahead; its rate is that of the program" {
    start instruments
    begin_serving "$pid"
    begin_prometheus
    beats() {
        tare top "$pid" --once --format json | python -c 'import json, sys
print([i for p in json.loads(sys.stdin.readline())["processes"] for i in p["instruments"] if i["name"] == "beats"][0]["total"]["total"])'
    }
    local before after seen
    before=$(beats)
    reached() {
        [ "$(query panel_beats_total)" -ge "$before" ]
    }
    await_long reached
    seen=$(answer panel_beats_total)
    after=$(beats)
    [ "$before" -le "$seen" ] && [ "$seen" -le "$after" ]
    # At most 200 beats a second; what the increase leaves out at the ends, Prometheus makes up for.
    rising() {
        python -c 'import sys; sys.exit(not 0 < float(sys.argv[1]) < 300)' "$(query 'rate(panel_beats_total[20s])')"
    }
    await_long rising
    [ "$(query 'resets(panel_beats_total[1m])')" = 0 ]
    no_scrape_was_refused
}

# series EXPRESSION: how many there are now.
series() {
    python "$here/prometheus_query.py" "$prometheus" count "$1"
}

@test "states, frames and keys are what tare itself says, and units are told" {
    start instruments 1000
    begin_serving "$pid"
    begin_prometheus
    comes 'panel_beats_total' 1000
    tare top "$pid" --once --format json >snapshot.json
    # asks INSTRUMENT FIGURE QUERY: a figure of the snapshot, and what Prometheus answers.
    asks() {
        python - "$@" "$(answer "$3")" <<'PYTHON'
import json, sys
instruments = json.loads(open("snapshot.json").readline())["processes"][0]["instruments"]
total = [i for i in instruments if i["name"] == sys.argv[1]][0]["total"]
figure = eval(sys.argv[2])
# Times depend on the length of a tick, which is known the better, the longer the process has run.
assert abs(float(sys.argv[4]) - figure) <= 1e-3 * abs(figure), (sys.argv, figure)
PYTHON
    }
    asks mode 'total["changes"]' panel_mode_state_changes_total
    asks mode '[s["time_ns"] for s in total["states"] if s["name"] == "busy"][0] / 1e9' 'panel_mode_state_seconds_total{state="busy"}'
    comes 'sum(panel_mode_state_threads)' 1
    asks view 'total["avg_fps"]' 'panel_view_frames_rate_ring_per_second{figure="average"}'
    asks view 'total["low_1_fps"]' 'panel_view_frames_rate_ring_per_second{figure="low_1_percent"}'
    comes 'sum(panel_keys_topk_key_weight)' 3000
    comes 'panel_keys_topk_hits_total' 1000
    # 84 of 1, 2, 4 and 8 each, 83 of 16 ... 2048: the 800th of 1,000 is 512.
    python -c 'import sys; sys.exit(not 511 < float(sys.argv[1]) <= 1023)' "$(answer 'histogram_quantile(0.8, panel_sizes_bytes_bucket)')"
    python -c 'import sys; sys.exit(not 0 < float(sys.argv[1]) < 1)' "$(answer 'histogram_quantile(0.5, panel_view_frames_seconds_bucket)')"
    metadata() {
        python "$here/prometheus_query.py" "$prometheus" metadata "$1"
    }
    [ "$(metadata panel_sizes_bytes)" = "histogram bytes" ]
    [ "$(metadata panel_io_bytes)" = "counter bytes" ]
    [ "$(metadata panel_beats)" = "counter " ]
    [ "$(metadata tare_timer_seconds)" = "summary seconds" ]
    [ "$(metadata panel_view_frames_rate_ring_per_second)" = "gauge per_second" ]
}

@test "what becomes unknown goes stale, and what is known again comes back" {
    start unknowns
    begin_serving "$pid"
    begin_prometheus
    comes 'doubt_level_bytes' 5
    comes 'doubt_count_bytes_total' 7
    comes 'doubt_sizes_bytes_sum' 3
    comes 'doubt_sizes_bytes_count' 1
    kill -USR1 "$pid"
    # Not that nothing was scraped: the gauge beside them was, and is 1.
    local gone
    for gone in doubt_level_bytes doubt_count_bytes_total doubt_sizes_bytes_sum doubt_sizes_bytes_count; do
        comes "doubt_steady unless on (pid) $gone" 1
    done
    # What is known stays, and nothing was made up meanwhile.
    comes 'doubt_sizes_bytes_bucket{le="+Inf"}' 3
    comes 'doubt_sizes_bytes_bucket{le="3.0"}' 1
    comes 'doubt_steady' 1
    [ "$(query 'max_over_time(doubt_count_bytes_total[1m])')" = 7 ]
    [ "$(query 'max_over_time(doubt_sizes_bytes_sum[1m])')" = 3 ]
    no_scrape_was_refused
    kill -USR2 "$pid"
    comes 'doubt_level_bytes' 6
    comes 'doubt_count_bytes_total' 8
    [ "$(query 'resets(doubt_count_bytes_total[1m])')" = 0 ]
}

@test "a program that starts again begins anew: no rate of what it counted before" {
    # Of a name that no other test's programs have.
    local name=anew.$$
    cp "$(command -v instruments)" "$name"
    start env LD_LIBRARY_PATH="$build_dir/lib" "./$name" 1000
    local first=$pid
    begin_serving "$name"
    begin_prometheus
    # is_rated PID: it has been scraped often enough for a rate.
    is_rated() {
        [ "$(query "count_over_time(panel_beats_total{pid=\"$1\"}[5m])")" -ge 3 ]
    }
    comes 'panel_beats_total' 1000
    await_long is_rated "$first"
    kill "$first"
    wait "$first" 2>/dev/null || true
    start env LD_LIBRARY_PATH="$build_dir/lib" "./$name" 400
    comes "panel_beats_total{pid=\"$pid\"}" 400
    await_long is_rated "$pid"
    # Each has its own series, by pid, in which nothing came or fell.
    [ "$(series 'rate(panel_beats_total[5m])')" = 2 ]
    [ "$(query 'max(rate(panel_beats_total[5m]))')" = 0 ]
    [ "$(query 'sum(increase(panel_beats_total[5m]))')" = 0 ]
    [ "$(query 'sum(resets(panel_beats_total[5m]))')" = 0 ]
}

# A text as it stands, as OpenMetrics, to whoever asks. $url is its address.
begin_file() {
    local interpreter=/usr/bin/python3 # not the function python: $! would be a shell, not the server
    [ -x "$interpreter" ] || interpreter=python3
    "$interpreter" -u - "$1" >file.port 2>file.log 3>&- <<'PYTHON' &
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = open(sys.argv[1], "rb").read()
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port)
server.serve_forever()
PYTHON
    started+=("$!")
    await test -s file.port
    url=http://127.0.0.1:$(cat file.port)/
}

@test "a name that programs give to a gauge, a counter and a histogram is each of them" {
    local unit=$build_dir/tests/unit/unit_openmetrics
    [ -x "$unit" ] || skip "built without cmocka"
    "$unit" --print openmetrics one_name >text
    begin_file text
    begin_prometheus
    comes 'm_q_bytes{pid="9"}' 3
    # One by one in processes of their own, and all in the process 9.
    comes 'count(m_q)' 4
    comes 'count(m_q_total)' 2
    comes 'count(m_q_bucket)' 2
    comes 'count(m_q_count)' 2
    comes 'm_q_count_value{pid="9"}' 8
    comes 'm_q_peak_value{pid="9"}' 9
    comes 'm_q_value{pid="9"}' 12
    comes 'app_tare_processes{pid="9"}' 15
    comes 'tare_metrics_left_out' 0
}

@test "a text that Prometheus cannot read would be seen" {
    printf '# TYPE a gauge\na 1 2 3 4\n# EOF\n' >text
    begin_file text
    begin_prometheus
    refused() {
        ! no_scrape_was_refused
    }
    await_long refused
}
