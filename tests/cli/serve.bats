#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare serve: the live page, its API, metrics, and who may ask.

load common
load serve_helpers

# figure NAME EXPRESSION: of the instrument of that name in the snapshot, as python says it.
figure() {
    ask_for 200 GET /api/v1/snapshot
    python -c 'import json, sys
for process in json.load(sys.stdin)["processes"]:
    for i in process["instruments"]:
        if i["name"] == sys.argv[1]:
            print(eval(sys.argv[2]))
            sys.exit()
sys.exit("no such instrument")' "$1" "$2" <<<"$body"
}

@test "it says where it listens, answers, and ends with 0 at each signal" {
    start instruments 50
    for signal in INT TERM HUP QUIT; do
        needs_server
        rm -f serve.err
        env --default-signal=INT,QUIT tare serve --listen 127.0.0.1:0 "$pid" 2>serve.err 3>&- &
        server=$!
        started+=("$server")
        await grep -q '^listening on http://127.0.0.1:[0-9]*/$' serve.err
        url=$(sed -n 's/^listening on //p' serve.err)
        ask_for 200 GET /health
        expect health "$body" '{"status":"ok","version":"*"}'
        end_serving "$signal"
        [ "$(cat serve.err)" = "listening on $url" ]
    done
}

@test "IPv6" {
    [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6 || skip "no IPv6 loopback here"
    needs_server
    start instruments 50
    tare serve --listen '[::1]:0' "$pid" 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on http://\[::1\]:[0-9]*/$' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
    ask_for 200 GET /api/v1/snapshot
}

@test "the snapshot is what its schema says, with what the program counted" {
    start instruments 50
    begin_serving "$pid"
    ask_for 200 GET /api/v1/snapshot
    expect headers "$headers" "*content-type: application/json
*"
    printf '%s\n' "$body" >snapshot.json
    python -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open("snapshot.json")), json.load(open(sys.argv[1])))' "$source_dir/docs/live.schema.json"
    [ "$(figure beats 'i["total"]["total"]')" = 50 ]
    [ "$(figure never_known 'i["total"]["value"]')" = None ]
}

@test "the processes of a name; a process that has no page" {
    start instruments 50
    cp "$(command -v instruments)" "./lonely-$$" # other tests run others
    LD_LIBRARY_PATH=$build_dir/lib start "./lonely-$$" 50
    begin_serving "lone*-$$"
    [ "$(figure beats 'i["total"]["total"]')" = 50 ]
    end_serving
    begin_serving nothing-is-called-so
    grep -q "^tare: warning: no process called 'nothing-is-called-so' has a page yet: waiting for one$" serve.err
    ask_for 200 GET /api/v1/snapshot
    expect snapshot "$body" '*"processes":[]*'
    sleep 60 3>&- &
    started+=("$!")
    run -2 tare serve --listen 127.0.0.1:0 "$!"
    expect output "$output" "tare: process $! has no page *"
    run -2 tare serve --listen 127.0.0.1:0 2147483647
    [ "$output" = "tare: there is no process 2147483647: 'tare ps' lists those with a page" ]
}

@test "the stream: the whole first, then what changed, and a whole one again when something is switched" {
    start instruments
    begin_serving --interval 0.05 "$pid"
    client events "$url" 6 >events.json
    python - <<'END'
import json
events = json.load(open("events.json"))
assert [e["event"] for e in events] == ["snapshot"] + 5 * ["sample"], [e["event"] for e in events]
whole = events[0]["data"]
instruments = [i for p in whole["document"]["processes"] for i in p["instruments"]]
columns = whole["columns"]
for kind, there in columns.items():
    for column in there:  # of the window: the same since the start stands beside it
        part, _, figure = column.partition(".")
        if part == "rolling" and any(word in figure for word in ("avg", "mean", "p0", "p5", "p9")):
            assert "total." + figure in there, (kind, column)
beats = next(n for n, i in enumerate(instruments) if i["name"] == "beats")
last, number, frames = -1, whole["document"]["number"], -1
for event in events[1:]:
    sample = event["data"]
    assert sample["number"] == number + 1 and sample["shape"] == whole["shape"], sample
    number += 1
    for row in sample["values"]:
        kind = instruments[row[0]]["kind"]
        assert len(row) == 1 + len(columns[kind]), (row, kind)
        if instruments[row[0]]["name"] == "sizes": # powers of two up to 2048, each about as often as any other
            sizes = dict(zip(columns[kind], row[1:]))
            of = [sizes["total." + p] for p in ("p05", "p50", "p90", "p95", "p99", "p999")]
            assert of == sorted(of) and of[0] >= 1 and 15 <= of[1] <= 68 and of[-1] > 480, of
        if row[0] == beats:
            total = dict(zip(columns[kind], row[1:]))["total.total"]
            assert total > last
            last = total
    for n, new in sample["frames"].items():
        assert instruments[int(n)]["kind"] == "frames"
        for frame, ns, slow in new:
            assert frame > frames, "a frame twice"
            frames = frame
    assert len(sample["processes"]) == 1 and sample["processes"][0][1] == 1
assert last > 0
END
    client events "$url" 60 >events.json &
    local reader=$!
    id=$(figure beats 'i["id"]')
    post 200 /api/v1/switch "{\"id\":$id,\"enabled\":false}"
    wait "$reader"
    python -c 'import json
events = json.load(open("events.json"))
whole = [e["data"] for e in events if e["event"] == "snapshot"]
assert len(whole) >= 1
last = whole[-1]["document"]["processes"][0]["instruments"]
assert not next(i for i in last if i["name"] == "beats")["enabled"]'
}

@test "the stream: a heartbeat that a page can hear, where samples are rare" {
    start instruments
    begin_serving --interval 60 "$pid"
    run -0 client beat "$url"
    [ "$output" = '1 before' ]
}

@test "200 clients of the stream: none starves" {
    start instruments
    begin_serving --interval 0.1 "$pid"
    run -0 client streams "$url" 200 8
    expect output "$output" "clients: 200, fewest samples: *"
    ask_for 200 GET /health
}

# start_unfair EVERY: a server that gives the first of ten clients more than the others. $url is its address.
start_unfair() {
    local fifo=$BATS_TEST_TMPDIR/unfair.fifo
    rm -f "$fifo"
    mkfifo "$fifo"
    client unfair 10 "$1" 3>&- >"$fifo" 2>/dev/null &
    started+=("$!")
    read -r -t 30 url <"$fifo"
}

@test "the test of 200 clients finds a server that is not fair, and passes one that is" {
    start_unfair 1
    run -0 client streams "$url" 10 8
    start_unfair 40 # as 20 a second are to a sample every two seconds
    run -1 client streams "$url" 10 8 6
    expect output "$output" "*starved: *"
    start_unfair 3
    run -1 client streams "$url" 10 8 6
    expect output "$output" "*starved: *"
}

@test "clients that read nothing, or send a byte a second, are let go" {
    start instruments
    begin_serving --interval 0.02 "$pid"
    client stuck "$url" >stuck.out 2>&1 3>&- &
    local stuck=$!
    client drip "$url" body >drip.out 2>&1 3>&- &
    local drip=$!
    run -0 client drip "$url"
    [ "$output" = dropped ]
    wait "$drip" || fail "$(cat drip.out)"
    wait "$stuck" || fail "$(cat stuck.out)"
}

@test "requests of random bytes: it answers as before" {
    start instruments
    begin_serving "$pid"
    run -0 client garbage "$url" 400 "${TARE_SEED:-1}"
    [ "$output" = alive ]
    end_serving
}

@test "metrics: the format that the scraper asks for" {
    start instruments 50
    begin_serving "$pid"
    ask_for 200 GET /metrics
    expect headers "$headers" "*content-type: text/plain; version=0.0.4*"
    expect metrics "$body" '*panel_beats_total{*} 50
*'
    [[ $body != *'# EOF'* ]]
    ask_for 200 GET /metrics -H 'Accept: application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5'
    expect headers "$headers" "*content-type: application/openmetrics-text; version=1.0.0*"
    expect metrics "$body" $'*\n# EOF'
    ask_for 200 GET /metrics -H 'Accept: application/openmetrics-text;q=0.1,text/plain;q=0.5'
    expect headers "$headers" "*content-type: text/plain*"
}

@test "metrics are clean for promtool" {
    command -v promtool >/dev/null || skip "no promtool"
    start instruments 50
    begin_serving "$pid"
    ask_for 200 GET /metrics
    promtool check metrics <<<"$body"
}

@test "the page: one document that may load nothing else" {
    start instruments 50
    begin_serving "$pid"
    ask_for 200 GET /
    expect headers "$headers" "*content-security-policy: default-src 'none'; connect-src 'self'; *script-src 'sha256-*"
    [[ $headers != *unsafe* ]]
    expect headers "$headers" "*x-content-type-options: nosniff*"
    expect headers "$headers" "*referrer-policy: no-referrer*"
    [[ $headers != *access-control* ]]
    expect page "$body" "<!DOCTYPE html>*"
    # The hashes are those of what stands in it.
    printf '%s' "$body" >page.html
    client request GET "$url" | sed -n 's/^content-security-policy: //p' >policy
    python - <<'END'
import base64, hashlib, re
page, policy = open("page.html").read(), open("policy").read()
for tag in ("script", "style"):
    found = re.findall("<%s[^>]*>(.*?)</%s>" % (tag, tag), page, re.S)
    assert found
    for text in found:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert "sha256-" + digest in policy.split(tag + "-src")[1].split(";")[0], tag
END
}

@test "switching, and putting back in the end" {
    start instruments
    begin_serving "$pid"
    [ "$(figure beats 'i["enabled"]')" = True ]
    post 200 /api/v1/switch "{\"id\":\"$(figure beats 'i["id"]')\",\"enabled\":false}"
    [ "$body" = '{"ok":true}' ]
    [ "$(figure beats 'i["enabled"]')" = False ]
    # Another one may not, until all is as it was.
    local first=$server first_url=$url
    begin_serving "$pid"
    post 409 /api/v1/switch "{\"id\":\"$(figure beats 'i["id"]')\",\"enabled\":true}"
    local second_url=$url
    url=$first_url
    post 200 /api/v1/switch "{\"id\":\"$(figure beats 'i["id"]')\",\"enabled\":true}"
    url=$second_url
    post 200 /api/v1/switch "{\"id\":\"$(figure beats 'i["id"]')\",\"enabled\":false}"
    end_serving
    server=$first url=$first_url
    [ "$(figure beats 'i["enabled"]')" = True ]
    post 200 /api/v1/switch "{\"id\":\"$(figure beats 'i["id"]')\",\"enabled\":false}"
    end_serving
    begin_serving "$pid"
    [ "$(figure beats 'i["enabled"]')" = True ]
}

@test "reset: one, and all" {
    start instruments 50
    begin_serving "$pid"
    post 200 /api/v1/reset "{\"id\":$(figure beats 'i["id"]')}"
    [ "$(figure beats 'i["total"]["total"]')" = 0 ]
    [ "$(figure io.bytes 'i["total"]["total"]')" != 0 ]
    post 200 /api/v1/reset '{"id":"all"}'
    [ "$(figure io.bytes 'i["total"]["total"]')" = 0 ]
}

@test "reset: all are those of the process that is served, and of no other" {
    start instruments 50
    local other=$pid
    start instruments 50
    begin_serving "$pid"
    post 200 /api/v1/reset '{"id":"all"}'
    [ "$(figure beats 'i["total"]["total"]')" = 0 ]
    end_serving
    begin_serving "$other"
    [ "$(figure beats 'i["total"]["total"]')" = 50 ]
}

@test "a capture is a result" {
    start instruments
    begin_serving --interval 0.05 "$pid"
    ask_for 409 GET /api/v1/result
    post 200 /api/v1/capture '{"action":"start"}'
    captured() {
        ask GET /api/v1/capture
        [[ $body =~ \"samples\":([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$1" ]
    }
    await captured 5
    post 200 /api/v1/capture '{"action":"stop"}'
    ask_for 200 GET /api/v1/result
    expect headers "$headers" '*content-disposition: attachment; filename="capture.json"*'
    printf '%s' "$body" >capture.json
    run -0 tare report capture.json
    expect report "$output" "*beats*"
    post 200 /api/v1/capture '{"action":"reset"}'
    ask_for 200 GET /api/v1/capture
    [ "$body" = '{"running":false,"samples":0,"dropped":0,"missed":0}' ]
}

@test "scrapes that recur have a window as long as it should be, though nobody asks for readings in between" {
    start instruments
    begin_serving "$pid"
    ask_for 200 GET /metrics
    ask_for 200 GET /metrics
    sleep 20 # twice as long as readings go on after any other request
    ask_for 200 GET /metrics
    window=$(sed -n 's/^tare_window_seconds //p' <<<"$body")
    python -c 'import sys; assert 0.1 < float(sys.argv[1]) < 8' "$window" || fail "$window"
}

@test "a capture has a sample for each interval, whoever else asks for readings" {
    start instruments
    begin_serving --interval 1 "$pid"
    ask_for 200 GET /api/v1/snapshot
    id=$(python -c 'import json, sys
print(next(i["id"] for p in json.loads(sys.argv[1])["processes"] for i in p["instruments"] if i["name"] == "beats"))' "$body")
    post 200 /api/v1/capture '{"action":"start"}'
    for round in 1 2 3 4 5; do
        post 200 /api/v1/switch "{\"id\":\"$id\",\"enabled\":false}"
        post 200 /api/v1/switch "{\"id\":\"$id\",\"enabled\":true}"
        sleep 0.3
    done
    post 200 /api/v1/capture '{"action":"stop"}'
    ask_for 200 GET /api/v1/result
    printf '%s' "$body" >capture.json
    ask_for 200 GET /metrics
    expect metrics "$body" '*tare_serve_polls_total*'
    python - "$(sed -n 's/^tare_serve_polls_total //p' <<<"$body")" <<'END'
import json, sys
capture = json.load(open("capture.json"))["capture"]
at, missed = capture["at_ns"], capture["samples_missed"]
assert at[0] == 0 and len(at) >= 2
assert float(sys.argv[1]) >= len(at) + 10, "there were no readings in between"
# Of each second at most one; a late one does not put off the next.
assert len(at) + missed <= at[-1] / 1e9 + 2, (at, missed)
END
}

@test "a capture: few downloads at a time, and nobody waits for those that read nothing" {
    start instruments
    begin_serving --interval 0.02 "$pid"
    post 200 /api/v1/capture '{"action":"start"}'
    captured() {
        ask GET /api/v1/capture
        [[ $body =~ \"samples\":([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$1" ]
    }
    # More of it than the buffers between us take. A busy machine takes samples, and answers, seldom: as long as more come,
    # it will be enough.
    local samples=200
    await captured $samples
    ask_for 200 GET /api/v1/result
    until [ "${#body}" -gt 1000000 ]; do
        samples=$((samples + 100))
        await captured $samples
        ask_for 200 GET /api/v1/result
    done
    post 200 /api/v1/capture '{"action":"stop"}'
    run -0 client slow "$url" 20
    [ "$output" = 12 ]
    # They have gone: there is room again.
    room() {
        ask GET /api/v1/result
        [ "$status_code" = 200 ]
    }
    await room
}

# ask_as USER PATH: what another user of this machine gets: the status.
ask_as() {
    local port=${url##*:}
    # shellcheck disable=SC2016 # the other shell's
    setpriv --reuid="$1" --regid="$1" --clear-groups bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"
        printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$2" >&3
        read -r _ code _ <&3
        echo "$code"' - "${port%/}" "$2"
}

@test "other users of this machine: nothing without a token, unless --any-user" {
    [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || skip "only root can be another user"
    start instruments
    begin_serving "$pid"
    for path in / /metrics /api/v1/snapshot /api/v1/stream /nothing; do
        [ "$(ask_as 65534 "$path")" = 403 ]
    done
    [ "$(ask_as 65534 /health)" = 200 ]
    [ "$(ask_as 0 /api/v1/snapshot)" = 200 ]
    end_serving
    begin_serving --any-user "$pid"
    [ "$(ask_as 65534 /api/v1/snapshot)" = 200 ]
    end_serving
    setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$(command -v tare)" || return 0
    # Root may ask anybody's server.
    rm -f serve.err
    setpriv --reuid=65534 --regid=65534 --clear-groups tare serve --listen 127.0.0.1:0 nothing-is-called-so 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on ' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
    [ "$(ask_as 0 /api/v1/snapshot)" = 200 ]
    [ "$(ask_as 65534 /api/v1/snapshot)" = 200 ]
    [ "$(ask_as 65533 /api/v1/snapshot)" = 403 ]
}

@test "errors are short, and say what is wrong" {
    start instruments
    begin_serving "$pid"
    ask_for 404 GET /nothing
    [ "$body" = "{\"error\":\"there is no '/nothing'\"}" ]
    ask_for 405 GET /api/v1/switch
    expect headers "$headers" "*allow: POST*"
    ask_for 405 DELETE /metrics
    expect headers "$headers" "*allow: GET, HEAD*"
    ask_for 200 HEAD /metrics
    [ -z "$body" ]
    ask_for 405 HEAD /api/v1/stream
    post 404 /api/v1/switch '{"id":99999999,"enabled":true}'
    [ "$body" = "{\"error\":\"no instrument has the id '99999999' now\"}" ]
    for wrong in '' '{' '[]' '{"id":1}' '{"enabled":true}' '{"id":-1,"enabled":true}' '{"id":"x","enabled":true}' \
        '{"id":1,"id":1,"enabled":true}' '{"id":1.5,"enabled":true}'; do
        post 400 /api/v1/switch "$wrong"
        expect body "$body" '{"error":"the body is not understood: *"}'
    done
    post 400 /api/v1/capture '{"action":"explode"}'
    ask_for 415 POST /api/v1/reset -d '{"id":"all"}'
    ask_for 415 POST /api/v1/reset -H 'Content-Type: text/plain' -d '{"id":"all"}'
    post 413 /api/v1/reset "{\"id\":\"all\",\"more\":\"$(printf '%05000d' 0)\"}"
    post 413 /api/v1/reset "$(printf '%0100000d' 0)"
}

@test "another site's page gets nothing" {
    start instruments
    begin_serving "$pid"
    port=${url##*:}
    ask_for 403 GET /api/v1/snapshot -H 'Host: evil.example'
    ask_for 403 GET /api/v1/snapshot -H 'Host: 127.0.0.1.evil.example'
    ask_for 403 GET / -H "Host: evil.example:${port%/}"
    ask_for 200 GET /api/v1/snapshot -H 'Host: localhost:8080'
    ask_for 200 GET /api/v1/snapshot -H 'Host: [::1]'
    for origin in http://evil.example null "http://127.0.0.1:1"; do
        post 403 /api/v1/reset '{"id":"all"}' -H "Origin: $origin"
    done
    ask_for 403 GET /api/v1/snapshot -H 'Sec-Fetch-Site: cross-site'
    post 200 /api/v1/reset '{"id":"all"}' -H "Origin: ${url%/}"
    # Nothing is changed by a GET, or by a form's POST.
    ask_for 405 GET '/api/v1/reset?id=all'
    ask_for 415 POST /api/v1/reset -H 'Content-Type: application/x-www-form-urlencoded' -d 'id=all'
}

@test "a token: in a header or a cookie, and nothing without one" {
    echo 0123456789abcdef >token
    chmod 600 token
    start instruments
    begin_serving --token-file token "$pid"
    ask_for 200 GET /health
    for path in / /metrics /api/v1/snapshot /api/v1/stream /nothing; do
        ask_for 401 GET "$path"
        expect headers "$headers" "*www-authenticate: Bearer*"
        ask_for 401 GET "$path" -H 'Authorization: Bearer 0123456789abcdeX'
        ask_for 401 GET "$path" -H 'Authorization: Bearer 0123456789abcdef0'
        ask_for 401 GET "$path" -H 'Authorization: Bearer '
    done
    post 401 /api/v1/reset '{"id":"all"}'
    ask_for 401 GET '/api/v1/snapshot?token=0123456789abcdef'
    ask_for 401 GET '/?token=0123456789abcdeX'
    ask_for 200 GET /api/v1/snapshot -H 'Authorization: Bearer 0123456789abcdef'
    ask_for 303 GET '/?token=0123456789abcdef'
    expect headers "$headers" "*location: /*"
    cookie=$(sed -n 's/^set-cookie: //p' <<<"$headers" | tr -d '\r')
    expect cookie "$cookie" "tare_token_*=0123456789abcdef; Path=/; HttpOnly; SameSite=Strict"
    ask_for 200 GET /api/v1/snapshot -H "Cookie: a=b; ${cookie%%;*}; c=d"
    ask_for 401 GET /api/v1/snapshot -H "Cookie: x${cookie%%;*}"
}

@test "a token that others can read, is too short, or is missing" {
    needs_server
    echo 0123456789abcdef >token
    chmod 644 token
    run -2 tare serve --listen 127.0.0.1:0 --token-file token
    [ "$output" = "tare: others may read the token in 'token': chmod 600 it" ]
    chmod 600 token
    echo short >token
    run -2 tare serve --listen 127.0.0.1:0 --token-file token
    expect output "$output" "tare: the token in 'token' is none: *"
    run -2 tare serve --listen 127.0.0.1:0 --token-file missing
    [ "$output" = "tare: cannot read the token in 'missing': No such file or directory" ]
    run -2 env TARE_TOKEN='with a space in it, and long' tare serve --listen 127.0.0.1:0
    expect output "$output" "tare: the token in 'TARE_TOKEN' is none: *"
}

@test "other machines: only when asked for, and with a token, which is made up if there is none" {
    needs_server
    start instruments 50
    run -2 tare serve --listen 0.0.0.0:0
    [ "$output" = "tare: '0.0.0.0:0' can be reached from other machines: give --allow-remote, too, or listen on 127.0.0.1" ]
    tare serve --listen 0.0.0.0:0 --allow-remote "$pid" 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^open http://0.0.0.0:[0-9]*/?token=[A-Za-z0-9_-]*$' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
    token=$(sed -n 's/.*token=//p' serve.err)
    [ "${#token}" -eq 43 ]
    ask_for 401 GET /metrics -H 'Host: any.example'
    ask_for 200 GET /metrics -H 'Host: any.example' -H "Authorization: Bearer $token"
}

@test "addresses that cannot be listened on" {
    start instruments 50
    begin_serving "$pid"
    address=${url#http://}
    run -2 tare serve --listen "${address%/}"
    [ "$output" = "tare: cannot listen on '${address%/}': Address already in use: give another port, or 0 for any" ]
    for wrong in nonsense 127.0.0.1 127.0.0.1:99999 127.0.0.1:x '[::1' '[]:1' ''; do
        run -2 tare serve --listen "$wrong"
        expect output "$output" "tare: '$wrong' is no address to listen on: *"
    done
    run -2 tare serve --listen 192.0.2.1:0 --allow-remote
    expect output "$output" "tare: cannot listen on '192.0.2.1:0': *"
    run -2 tare serve --interval 0
    run -2 tare serve 1 2
    [ "$output" = "tare: '2' is one too many: tare serve takes one PID or NAME, or none for all" ]
}
