#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare serve --history: the dashboard beside the live page, and who may ask for it. What reads the history is a program of
# its own, and is asked as seldom as can be.

load common
load serve_helpers

NOBODY=called-so-by-nobody # of which process: none, and it waits

# The store history.db, of the project demo, with so many benchmarks and runs.
a_past() {
    needs_server
    needs_library sqlite3
    needs_library zlib
    export TARE_PROJECT=demo
    python "$here/make_history.py" "$@" >past.json
    tare history import --db history.db past.json >/dev/null
}

# header NAME: of the last answer.
header() {
    sed -n "s/^$1: //p" <<<"$headers"
}

# The server in the folder beside, with the program there (a script, on standard input) as what reads the history.
make_beside() {
    begin_serving --history=history.db --interval 1 "$NOBODY"
    server_program=$(readlink "/proc/$server/exe")
    end_serving
    mkdir beside
    cp "$server_program" beside/tare-serve
    cat >beside/tare-history
    chmod +x beside/tare-history
}
serve_beside() { # HISTORY
    rm -f serve.err
    beside/tare-serve --listen 127.0.0.1:0 --history="$1" "$NOBODY" >serve.out 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on ' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
}

@test "the page at /history asks for /api/v1/history, and the live page has a link to it" {
    a_past 4 20
    begin_serving --history=history.db --interval 1 "$NOBODY"
    ask_for 200 GET /history
    expect page "$body" '<!DOCTYPE html>*<meta name="tare-live" content="/api/v1/history">*'
    [[ $body != *'id="data"'* ]] || fail "data in the live page"
    policy=$(header content-security-policy)
    expect policy "$policy" "default-src 'none'; connect-src 'self'; img-src data:; script-src 'sha256-*'; style-src 'sha256-*'; *"
    ask_for 200 HEAD /history
    ask_for 200 GET /
    expect page "$body" '*<a href="/history">*'
    ask_for 200 GET /api/v1/history
    expect headers "$headers" '*content-type: application/json
*'
    printf '%s\n' "$body" >data.json
    python - "$source_dir/docs/history-page.schema.json" <<'END'
import json, jsonschema, sys
data = json.load(open("data.json", encoding="utf-8"))
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(data)
assert data["project"] == "demo" and len(data["series"]) == 4 and data["runs"]["count"] == 20
END
    ask_for 405 POST /api/v1/history
    ask_for 405 POST /history
    end_serving
    [ "$(wc -l <serve.err)" -le 2 ] || fail "it said more" "$(cat serve.err)"
}

@test "without --history there is none, and no link" {
    needs_server
    begin_serving "$NOBODY"
    for path in /history /api/v1/history; do
        ask_for 404 GET "$path"
        [ "$body" = "{\"error\":\"there is no history here: 'tare serve --history' has one\"}" ]
    done
    ask_for 200 GET /
    [[ $body != *'href="/history"'* ]] || fail "a link to nowhere"
}

@test "what is the same is not sent again, and what was added is" {
    a_past 2 12
    make_beside <<'END'
#!/usr/bin/env bash
echo "$*" >>runs
exec -a html "$READER" "$@"
END
    READER=$(dirname "$server_program")/tare-history
    export READER
    serve_beside history.db
    ask_for 200 GET /api/v1/history
    tag=$(header etag)
    expect tag "$tag" '"????????????????"'
    first=$body
    ask_for 304 GET /api/v1/history -H "If-None-Match: $tag"
    [ -z "$body" ] && [ "$(header etag)" = "$tag" ]
    ask_for 304 GET /api/v1/history -H "If-None-Match: \"other\", W/$tag"
    ask_for 200 GET /api/v1/history -H 'If-None-Match: "other"'
    [ "$body" = "$first" ]
    # Made again, later, of the same: "made" is no difference.
    made_again() {
        ask GET /api/v1/history -H "If-None-Match: $tag"
        [ "$status_code" = 304 ] && [ "$(wc -l <runs)" -ge 2 ]
    }
    await made_again
    python "$here/make_history.py" 2 13 >past.json
    tare history import --db history.db past.json
    is_other() {
        ask GET /api/v1/history -H "If-None-Match: $tag"
        [ "$status_code" = 200 ]
    }
    await is_other
    [ "$(header etag)" != "$tag" ]
    python -c 'import json, sys; assert json.load(sys.stdin)["runs"]["count"] == 13' <<<"$body"
}

@test "what reads it runs once for all who ask, and only then; a store that keeps it waiting keeps nobody else" {
    a_past 1 12
    # Another program, which counts its runs and waits for the file go.
    make_beside <<'END'
#!/bin/sh
echo "$* $TARE_DB" >>runs
while [ ! -e go ]; do sleep 0.05; done
printf '{"schema":"tare-history-page","made":"now"}\n'
END
    serve_beside elsewhere.db
    ask_for 200 GET /history
    ask_for 200 GET /api/v1/snapshot
    [ ! -e runs ]
    asking=()
    for i in 1 2 3 4 5; do
        client request GET "${url}api/v1/history" >"answer.$i" 3>&- &
        asking+=("$!")
    done
    looks=0
    all_have_asked() { # beside the two above, and ours
        looks=$((looks + 1))
        ask_for 200 GET /metrics
        [ "$(sed -n 's/^tare_serve_requests_total //p' <<<"$body")" = $((2 + 5 + looks)) ]
    }
    await all_have_asked
    ask_for 200 GET /api/v1/snapshot
    await test -e runs
    touch go
    for i in 1 2 3 4 5; do
        wait "${asking[i - 1]}"
        grep -q '^{"schema":"tare-history-page","made":"now"}$' "answer.$i"
    done
    [ "$(cat runs)" = "--data elsewhere.db" ] # a script's $0 is another one than its argv[0]
    end_serving
    # It is ended with the server.
    rm go
    serve_beside elsewhere.db
    client request GET "${url}api/v1/history" >answer 2>&1 3>&- &
    asker=$!
    twice() { [ "$(wc -l <runs)" = 2 ]; }
    await twice
    reader=$(pgrep -P "$server")
    end_serving
    wait "$asker" || true
    ! kill -0 "$reader" 2>/dev/null
}

@test "a history that cannot be read is an error that says why, and the rest goes on" {
    a_past 1 12
    begin_serving --history=none.db --interval 1 "$NOBODY"
    grep -q "^tare: warning: there is no history 'none.db' yet: /history says so until there is$" serve.err
    ask_for 503 GET /api/v1/history
    expect body "$body" '{"error":"*none.db*"}'
    ask_for 200 GET /history
    ask_for 200 GET /api/v1/snapshot
    grep -q 'none\.db' serve.err
    [ ! -e none.db ]
}

@test "the same guard as for the rest: token, host, other sites" {
    a_past 1 12
    (umask 077 && echo 0123456789abcdef0123456789abcdef >token)
    begin_serving --history=history.db --token-file token "$NOBODY"
    for path in /history /api/v1/history; do
        ask_for 401 GET "$path"
        ask_for 401 GET "$path" -H 'Authorization: Bearer 0123456789abcdef0123456789abcdee'
        ask_for 200 GET "$path" -H 'Authorization: Bearer 0123456789abcdef0123456789abcdef'
        ask_for 403 GET "$path" -H 'Host: evil.example' -H 'Authorization: Bearer 0123456789abcdef0123456789abcdef'
    done
    ask_for 401 GET '/api/v1/history?token=0123456789abcdef0123456789abcdef'
    ask_for 303 GET '/history?token=0123456789abcdef0123456789abcdef'
    [ "$(header location)" = /history ]
    expect cookie "$(header set-cookie)" 'tare_token_*=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; SameSite=Strict'
    ask_for 403 GET /api/v1/history -H 'Sec-Fetch-Site: cross-site' -H 'Authorization: Bearer 0123456789abcdef0123456789abcdef'
    ask_for 200 GET /history -H 'Sec-Fetch-Site: cross-site' -H 'Authorization: Bearer 0123456789abcdef0123456789abcdef'
}

@test "a password in WHERE is seen by nobody" {
    needs_server
    needs_library sqlite3
    needs_library zlib
    begin_serving '--history=postgresql://bench:hush-hush@127.0.0.1:1/perf?connect_timeout=1' --interval 1 "$NOBODY"
    [ "$(tr '\0' '\n' <"/proc/$server/cmdline" | grep -c 'hush-hush')" = 0 ]
    grep -qz 'postgresql://bench:\*\*\*@127' "/proc/$server/cmdline"
    ask_for 503 GET /api/v1/history
    [[ $body != *hush-hush* ]] || fail "the answer has it" "$body"
    end_serving
    ! grep -q hush-hush serve.err serve.out
}
