# SPDX-License-Identifier: MIT
# What the tests of tare serve share: serve*.bats and push*.bats. serve_client.py is the other side.

# begin_serving OPTIONS... PROCESS: returns when it listens. $server is its id, $url its address; it writes to serve.err.
# Without a process it would be every one on this machine, and what a test voids or switches would be somebody's.
begin_serving() {
    [[ $# -gt 0 && ${*: -1} != -* && ($# -eq 1 || ${*: -2:1} != -* || ${*: -2:1} == --any-user) ]] ||
        fail "begin_serving: of which process?" || return
    needs_server
    rm -f serve.err # the one before has said that it listens
    tare serve --listen 127.0.0.1:0 "$@" >serve.out 2>serve.err 3>&- &
    server=$!
    started+=("$server")
    await grep -q '^listening on ' serve.err
    url=$(sed -n 's/^listening on //p' serve.err)
}

# needs_library NAME: as tare info has it.
needs_library() {
    local version
    version=$(tare info --format json | python -c 'import json, sys
print(json.load(sys.stdin)["libraries"][sys.argv[1]])' "$1")
    [ -n "$version" ] || fail "tare info says nothing of $1" || return
    [ "$version" != None ] || skip "built without $1"
}

needs_server() {
    needs_library libmicrohttpd
}

needs_push() {
    needs_server
    needs_library libcurl
}

end_serving() {
    kill -"${1:-TERM}" "$server"
    wait "$server"
}

client() {
    python "$here/serve_client.py" "$@"
}

# ask METHOD PATH [ARGUMENTS...]: sets $status_code, $headers and $body.
ask() {
    local answer
    answer=$(client request "$1" "$url${2#/}" "${@:3}")
    status_code=${answer%%$'\n'*}
    headers=$(sed -n '2,/^$/p' <<<"$answer")
    body=$(sed '1,/^$/d' <<<"$answer")
}

# ask_for CODE METHOD PATH ...: and that is what it answers.
ask_for() {
    ask "${@:2}"
    [ "$status_code" = "$1" ] || fail "$2 $3: $status_code instead of $1" "$body"
}

post() {
    ask_for "$1" POST "$2" -H 'Content-Type: application/json' -d "$3" "${@:4}"
}
