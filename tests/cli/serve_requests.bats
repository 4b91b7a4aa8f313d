#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare serve, and who is not kind to it: requests that are none, or can be read in two ways, more of them than there is room
# for, and those that take long.

load common
load serve_helpers

# raw EXPECTED TEXT...: what is answered, as a pattern: the codes, and the last body.
raw() {
    run -0 client raw "$url" "${@:2}"
    expect "$2" "$output" "$1"
}

@test "a request that can be understood in two ways is not answered" {
    start instruments 50
    begin_serving "$pid"
    raw '400 *twice*' 'GET /health HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n'
    raw '400 *twice*' 'GET /health HTTP/1.1\r\nHost: HOST\r\nhost: HOST\r\n\r\n'
    raw '400 *Host*' 'GET /health HTTP/1.1\r\n\r\n'
    raw '403 *' 'GET /health HTTP/1.0\r\n\r\n'
    raw '403 *' 'GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'
    local post='POST /api/v1/reset HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n'
    raw '400 *Transfer-Encoding*' "$post"'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    raw '400 *twice*' "$post"'Content-Length: 12\r\nContent-Length: 12\r\n\r\n{"id":"all"}'
    raw '400 *Content-Length*' "$post"'Content-Length: 12abc\r\n\r\n{"id":"all"}'
    raw '400 *Content-Length*' "$post"'Content-Length: -1\r\n\r\n'
    raw '501 *' "$post"'Transfer-Encoding: gzip\r\n\r\nabc'
    raw '501 *' "$post"'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'
    raw '200 {"ok":true}' "$post"'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n{"id"\r\n7\r\n:"all"}\r\n0\r\n\r\n'
    raw '400 *twice*' "$post"'Content-Length: 12\r\nOrigin: http://HOST\r\nOrigin: http://evil.example\r\n\r\n{"id":"all"}'
}

@test "where a request goes: absolute targets, escaped paths, other methods" {
    start instruments 50
    begin_serving "$pid"
    local rest='\r\nConnection: close\r\n\r\n'
    raw '200 *"ok"*' "GET http://HOST/health HTTP/1.1\r\nHost: evil.example$rest"
    raw '403 *evil.example*' "GET http://evil.example/health HTTP/1.1\r\nHost: HOST$rest"
    raw '400 *' "GET http:///health HTTP/1.1\r\nHost: HOST$rest"
    raw '404 *' "GET https://HOST/health HTTP/1.1\r\nHost: HOST$rest"
    raw '404 *' "OPTIONS * HTTP/1.1\r\nHost: HOST$rest"
    raw '404 *' "CONNECT HOST HTTP/1.1\r\nHost: HOST$rest"
    raw '200 *"ok"*' "GET /%68ealth?%zz HTTP/1.1\r\nHost: HOST$rest"
    for path in /health%00 /health%00/metrics //health /health/ /./health /HEALTH /%2568ealth; do
        raw '404 *' "GET $path HTTP/1.1\r\nHost: HOST$rest"
    done
    for method in PUT DELETE OPTIONS PATCH TRACE NOTHING; do
        for path in '' health metrics api/v1/snapshot api/v1/stream api/v1/result api/v1/capture api/v1/switch api/v1/reset; do
            raw '405 *' "$method /$path HTTP/1.1\r\nHost: HOST$rest"
        done
    done
    raw '200 404 200 *"ok"*' 'GET /health HTTP/1.1\r\nHost: HOST\r\n\r\nGET /nothing HTTP/1.1\r\nHost: HOST\r\n\r\n' 1 \
        "GET /health HTTP/1.1\r\nHost: HOST$rest"
    raw '505 *' "GET /health HTTP/2.0\r\nHost: HOST$rest"
    raw '200 *"ok"*' "GET /health HTTP/1.1\r\nHost: [::ffff:127.0.0.1]$rest"
    raw '403 *' "GET /health HTTP/1.1\r\nHost: x@localhost$rest"
}

@test "too much: of a body, announced or in chunks, and of headers" {
    start instruments 50
    begin_serving "$pid"
    local post='POST /api/v1/reset HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nConnection: close\r\n'
    local chunks="$post"'Transfer-Encoding: chunked\r\n\r\n' kilobyte
    kilobyte=$(printf '400\\r\\n%01024d\\r\\n' 0)
    raw '413 *4096 bytes*' "$chunks" 5 "$kilobyte" 1 '0\r\n\r\n'
    raw '413 *4096 bytes*' "$chunks" 100 "$kilobyte" 1 '0\r\n\r\n'
    raw '413 *4096 bytes*' "$chunks" 1000 "$kilobyte" 1 '0\r\n\r\n'
    # More than is read: what says so is the last that comes.
    raw '413 *4096 bytes*' "$chunks" 1 "$(printf '%s' "$kilobyte"{,,,}{,,,})" 64 "$(printf '%s' "$kilobyte"{,,,}{,,,})"
    # Who asks before sending gets no 100; who may send does.
    raw '413 *4096 bytes*' "$post"'Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n'
    raw '100 200 *' "$post"'Expect: 100-continue\r\nContent-Length: 12\r\n\r\n{"id":"all"}'
    raw '431 *' 'GET /health HTTP/1.1\r\nHost: HOST\r\n' 10000 'X-Nothing: at all\r\n' 1 '\r\n'
    ask_for 200 GET /health
}

@test "metrics: what the query says of timers" {
    start instruments 50
    begin_serving "$pid"
    ask_for 200 GET /metrics
    expect metrics "$body" '*# TYPE tare_timer_seconds summary*'
    ask_for 200 GET '/metrics?timers=histogram&more'
    expect metrics "$body" '*# TYPE tare_timer_seconds histogram*tare_timer_seconds_bucket{*le="+Inf"} 50*'
    ask_for 200 GET '/metrics?timers=histogram' -H 'Accept: application/openmetrics-text'
    expect metrics "$body" $'*# TYPE tare_timer_seconds histogram*\n# EOF'
    for wrong in timers timers= timers=histograms timers=Summary 'timers=summary&timers=histogram' timers=summary%00; do
        ask_for 400 GET "/metrics?$wrong"
        expect "$wrong" "$body" '{"error":"*timers*"}'
    done
    end_serving
    begin_serving --timers histogram "$pid"
    ask_for 200 GET /metrics
    expect metrics "$body" '*# TYPE tare_timer_seconds histogram*'
    ask_for 200 GET '/metrics?timers=summary'
    expect metrics "$body" '*# TYPE tare_timer_seconds summary*'
    run -2 tare serve --timers both
    [ "$output" = "tare: unknown type 'both' of timers: one of summary, histogram" ]
    command -v promtool >/dev/null || skip "no promtool"
    for type in summary histogram; do
        ask_for 200 GET "/metrics?timers=$type"
        promtool check metrics <<<"$body"
    done
}

@test "metrics: totals and figures of the last window, or, if the query says so, totals only" {
    start instruments 50
    begin_serving "$pid"
    # rolls QUERY: from the second reading on.
    rolls() {
        ask_for 200 GET "/metrics$1" && [[ $body == *'panel_depth_change_rolling{'* ]]
    }
    await rolls ''
    rolls '?rolling=1'
    ask_for 200 GET '/metrics?rolling=0'
    expect metrics "$body" '*panel_depth{*'
    [[ $body != *_rolling* ]]
    ask_for 200 GET '/metrics?rolling=0&timers=histogram' -H 'Accept: application/openmetrics-text'
    expect metrics "$body" $'*# TYPE tare_timer_seconds histogram*\n# EOF'
    [[ $body != *_rolling* ]]
    for wrong in rolling rolling= rolling=no 'rolling=0&rolling=0' rolling=0%00; do
        ask_for 400 GET "/metrics?$wrong"
        expect "$wrong" "$body" '{"error":"*rolling*"}'
    done
}

@test "metrics: keys of a top-k, or, if the query says so, its sums only" {
    start instruments 50
    begin_serving "$pid"
    for query in '' '?keys=1'; do
        ask_for 200 GET "/metrics$query"
        expect metrics "$body" '*panel_keys_topk_key_weight{*key="0x4"} *panel_keys_topk_rest_weight{*} 0*'
    done
    ask_for 200 GET '/metrics?keys=0'
    expect metrics "$body" '*panel_keys_topk_weight_total{*'
    [[ $body != *panel_keys_topk_key* && $body != *panel_keys_topk_rest* ]]
    for wrong in keys keys= keys=20 'keys=0&keys=0'; do
        ask_for 400 GET "/metrics?$wrong"
        expect "$wrong" "$body" '{"error":"*keys*"}'
    done
}

@test "the Hosts that are given, and no others where other machines may ask" {
    start instruments 50
    begin_serving --host proxy.example --host ::2 "$pid"
    ask_for 200 GET /metrics -H 'Host: Proxy.Example:80'
    ask_for 200 GET /metrics -H 'Host: [::2]'
    ask_for 200 GET /metrics
    ask_for 403 GET /metrics -H 'Host: other.example'
    ask_for 403 GET /metrics -H 'Host: proxy.example.other'
    end_serving
    echo 0123456789abcdef >token
    chmod 600 token
    rm serve.err
    tare serve --listen 0.0.0.0:0 --allow-remote --token-file token --host my.example "$pid" 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on ' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
    local token='Authorization: Bearer 0123456789abcdef'
    ask_for 200 GET /metrics -H "$token" -H 'Host: my.example:9469'
    ask_for 403 GET /metrics -H "$token" -H 'Host: other.example'
    ask_for 403 GET /metrics -H "$token" -H 'Host: localhost'
    ask_for 403 GET /health -H 'Host: other.example'
    for wrong in '' my.example:80 '[::1]' 'a b' http://a; do
        run -2 tare serve --host "$wrong"
        [ "$output" = "tare: '$wrong' is no host: give a name, or an address, without a port" ]
    done
}

@test "streams to the last place: the next one is told, and all else is answered" {
    start instruments 50
    begin_serving --interval 1 "$pid"
    run -0 client full "$url"
    [ "$output" = '256 streams, then 503: 256 streams are open: there can be no more; try again after 5 s' ]
}

@test "more connections than there can be, which say nothing: a request gets in" {
    start instruments 50
    begin_serving "$pid"
    run -0 client idle "$url" 700
    expect output "$output" 'answered; let go: *'
    [ "${output##* }" -ge 200 ]
    # With every stream taken, too.
    run -0 client full "$url"
    expect output "$output" '256 streams, then 503: *'
}

@test "clients that have gone in the middle of a request are let go; those that half-close get their answers" {
    start instruments 50
    begin_serving "$pid"
    run -0 client gone "$url"
    [ "$output" = 'let go; answers: 40' ]
}

@test "one other machine gets its part of the connections, and of the streams" {
    local address
    address=$(python -c 'import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("192.0.2.1", 9)) # sends nothing
    print(s.getsockname()[0])' 2>/dev/null) || skip "no address but those of the loopback"
    [[ $address != 127.* ]] || skip "no address but those of the loopback"
    echo 0123456789abcdef >token
    chmod 600 token
    needs_server
    start instruments 50
    tare serve --listen 0.0.0.0:0 --allow-remote --token-file token --interval 1 "$pid" 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on ' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
    local elsewhere=${url/0.0.0.0/$address} token='Authorization: Bearer 0123456789abcdef'
    run -0 client full "$elsewhere" "$token"
    [ "$output" = '208 streams, then 503: 208 streams of this address are open: there can be no more; try again after 5 s' ]
    run -0 client idle "$elsewhere" 400 "$token"
    expect output "$output" 'answered; let go: *'
    [ "${output##* }" -ge 100 ]
}

captured() {
    ask GET /api/v1/capture
    [[ $body =~ \"samples\":([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$1" ]
}

@test "while the document of a capture is made, requests are answered and samples come" {
    start many
    begin_serving --interval 0.02 "$pid"
    post 200 /api/v1/capture '{"action":"start"}'
    await captured 200
    run -0 client during "$url"
    [ "$output" = 'answered, and samples meanwhile' ]
    # It ends in the middle of making one, too.
    client request GET "${url}api/v1/result" >/dev/null 2>&1 &
    local asking=$!
    end_serving
    wait "$asking" || true
}

@test "no document is older than the one that is being made" {
    start many
    begin_serving --interval 0.02 "$pid"
    post 200 /api/v1/capture '{"action":"start"}'
    await captured 20
    python - "$url" <<'END'
import json, sys, threading, time, urllib.request
def ask(path):
    with urllib.request.urlopen(sys.argv[1] + "api/v1/" + path) as answer:
        return answer.read()
def samples():
    got.append(len(json.loads(ask("result"))["capture"]["at_ns"]))
begin = time.monotonic()
ask("result")
# It will do for twenty times as long as making it took, which was not longer than we have waited for it.
time.sleep(20 * (time.monotonic() - begin) + 0.1)
while (least := json.loads(ask("capture"))["samples"]) < 300: # making it takes a while then, in which the others come
    time.sleep(0.1)
got, asking = [], [threading.Thread(target=samples) for _ in range(4)]
for thread in asking:
    thread.start()
for thread in asking:
    thread.join()
assert len(got) == 4 and min(got) >= least, (got, least)
END
}

@test "a document that cannot be made is an error like others" {
    not_with_sanitizer "it has an allocator of its own"
    command -v prlimit >/dev/null || skip "no prlimit"
    start many
    begin_serving --interval 0.02 "$pid"
    post 200 /api/v1/capture '{"action":"start"}'
    await captured 200
    post 200 /api/v1/capture '{"action":"stop"}'
    prlimit --pid "$server" --as="$(($(sed -n 's/^VmSize:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status") * 1024))":
    ask_for 500 GET /api/v1/result
    expect body "$body" '{"error":"the answer cannot be made: *"}'
    ask_for 500 HEAD /api/v1/result
    ask_for 200 GET /health
    prlimit --pid "$server" --as=unlimited:
    ask_for 200 GET /api/v1/result
}
