#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a server does that nobody instrumented, live: Debian's redis-server with libc's calls as timers, watched by
# `tare serve`, while redis-benchmark asks it for work.
#
#   watch.sh [SECONDS]      (default 30; TARE is the command, default tare; PORT the server's, default 6390)
#
# Open the address that it prints. At the end it shows the busiest calls, as /metrics gave them. The server is one of its
# own, on a port that nobody listens on; it ends no other. Exits 77 without redis.
set -u

tare=${TARE:-tare} port=${PORT:-6390} seconds=${1:-30}
for program in redis-server redis-benchmark redis-cli; do
    command -v $program >/dev/null || { echo "watch.sh: no $program here: apt-get install redis-server redis-tools" >&2; exit 77; }
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-redis.XXXXXX") || exit 1
pids=() server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null # tare run ends with it, and has a result
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
    wait
    rm -rf -- "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

fail() {
    echo "watch.sh: $*" >&2
    exit 1
}

# await WHAT COMMAND...: until it succeeds, 30 s at most.
await() {
    local what=$1 tries
    shift
    for tries in $(seq 300); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "$what did not come up in 30 s (tried $tries times)"
}

# Whatever answers there now is not ours.
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fail "port $port is in use: PORT=... gives another one"
fi
"$tare" run --libc -o "$scratch/result.json" -- redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no \
    --dir "$scratch" >"$scratch/redis.log" 2>&1 &
pids+=($!)
await "redis-server on port $port" redis-cli -p "$port" ping
found=$(redis-cli -p "$port" info server | tr -d '\r' | sed -n 's/^process_id://p')
# A child of the tare run that was just started, or somebody was faster with the port.
[ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$found/status" 2>/dev/null)" = "${pids[0]}" ] ||
    fail "what answers on port $port is another server: PORT=... gives another one"
server=$found

"$tare" serve --listen 127.0.0.1:0 "$server" 2>"$scratch/serve.log" &
pids+=($!)
await "tare serve" grep -q 'http://' "$scratch/serve.log"
url=$(grep -o 'http://[^ ]*' "$scratch/serve.log" | head -n 1)
echo "redis-server is process $server; watch it at $url"

end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
    redis-benchmark -p "$port" -q -n 20000 -c 20 -P 4 -t set,get,lpush >/dev/null || fail "redis-benchmark failed"
done

metrics() {
    python3 -c 'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())' "${url%/}/metrics"
}
metrics >"$scratch/metrics" || fail "no metrics from $url"
echo "calls of libc, by how often:"
grep '^tare_timer_seconds_count' "$scratch/metrics" | sort -t' ' -k2 -g -r | head -n 8
