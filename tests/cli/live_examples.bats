# SPDX-License-Identifier: MIT
# The examples that tell what they do: what tare says of them is what their sources imply.

load common
load serve_helpers

# of FILE EXPRESSION: of the instruments of a result, by name and labels: i("gfx.draw_calls_total")["total"].
of() {
    python - "$@" <<'END'
import json, sys
result = json.load(open(sys.argv[1]))
def i(name, labels=None):
    found = [one for one in result["instruments"]
             if (one["kind"] == "timer" or one["module"] + "." + one["name"] == name) and one["labels"] == labels]
    assert len(found) == 1, f"{len(found)} instruments '{name}' {labels}"
    return found[0]["total"]
def counters(module):
    return [one["total"]["total"] for one in result["instruments"]
            if one["kind"] == "counter" and one["module"].split(".")[0] == module]
print(eval(sys.argv[2]))
END
}

needs_example() {
    [ -x "$build_dir/bin/$1" ] || skip "built without $1"
}

@test "counters: what is counted is what it served" {
    run -0 --separate-stderr tare run -o r.json -- counters
    [ "$output" = "10000 requests were served" ]
    [ "$(of r.json 'i("counters.requests")["total"]')" = 10000 ]
    [ "$(of r.json 'i("counters.sent_bytes_total")["total"]')" = "$(python -c 'print(sum(100 + n % 900 for n in range(10000)))')" ]
    [ "$(of r.json 'i("counters.temperature")["value"]')" = None ]
    [ "$(of r.json 'i("counters.size")["distribution"]["count"], i("counters.size")["distribution"]["max"]')" = "(10000, 999.0)" ]
    [ "$(of r.json 'i("counters.worker")["changes"]')" = 20002 ]
    # Client 7: six of ten, and number 7 itself.
    [ "$(of r.json '[(k["weight"] - k["error"] <= 6001 <= k["weight"]) for k in i("counters.clients")["keys"] if k["key"] == "0x7"]')" = "[True]" ]
}

@test "counters: a trace has what its threads were in, though none lives long" {
    needs_example counters
    counters 60 3>&- >/dev/null &
    pid=$!
    started+=("$pid")
    await in_ps "$pid" threads
    tare record "$pid" --for 1 --interval 0.25 -o threads.trace.json
    run -0 python "$here/check_trace.py" threads.trace.json X
    [ "$output" -ge 1 ]
    grep -q '"ph":"X".*"of":"counters.worker","changes":[0-9]*,.*"waiting (ms)":.*"serving (ms)":' threads.trace.json
}

@test "frames: what is counted is what its calls are" {
    needs_example frames
    run -0 --separate-stderr tare run -o r.json -- frames --frames 30 --fps 0
    # 12 cubes and a pane; two passes; the noise each time and the checks once; F T T ... F T T, then blended.
    [ "$(of r.json 'i("gfx.draw_calls_total")["total"]')" = $((30 * 13)) ]
    [ "$(of r.json 'i("gfx.render_passes_total")["total"]')" = 60 ]
    [ "$(of r.json 'i("gfx.upload_bytes_total")["total"]')" = $((31 * 64 * 64 * 4)) ]
    [ "$(of r.json 'i("gfx.pipeline_switches_total")["total"]')" = $((30 * 9)) ]
    [ "$(of r.json 'i("gfx.bind_group_changes_total")["total"]')" = $((30 * 8 + 1)) ]
    [ "$(of r.json 'i("frames.scene")["distribution"]["count"]')" = 30 ]
    [ "$(of r.json 'i("gfx.gpu_timing_supported")["value"]')" = 0.0 ]
    # No GPU, so no GPU time: not even none of it.
    ! grep '"gpu_ns"' r.json || fail 'there is no GPU'
    [ "$(of r.json 'i("memory.configured_bytes", "region=textures")["value"]')" = None ]
    [ "$(of r.json 'i("memory.committed_bytes", "region=textures")["value"]')" = 32768.0 ]
    [ "$(of r.json 'i("latency.input_to_present_ns")["distribution"]["count"]')" = 30 ]
}

@test "frames: a slow frame is kept, and the part that nobody told is unknown" {
    needs_example frames
    run -0 --separate-stderr tare run -o r.json -- frames --frames 40 --fps 0 --slow-every 20 --slow-ms 200
    [ "$(of r.json 'i("frames.scene")["slow"] >= 2')" = True ]
    [ "$(of r.json 'i("frames.scene")["distribution"]["max"] >= 2e8')" = True ]
    run -0 tare report r.json
    expect table "$output" "*frames.scene*"
}

@test "frames: a picture" {
    needs_example frames
    run frames --frames 2 --fps 0 --png picture.png
    [[ $output != *"built without libpng"* ]] || skip "built without libpng"
    [ "$status" -eq 0 ]
    [ "$(head -c 8 picture.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
    run -1 frames --frames 1 --fps 0 --png /nowhere/picture.png
    expect message "$output" "frames: cannot write '/nowhere/picture.png': *"
    run -2 frames --frames many
    expect message "$output" "frames: '--frames many' is not understood*"
}

@test "frames: without a GPU there is no time of it, in no view" {
    needs_example frames
    frames --frames 1000000 --fps 50 >/dev/null 3>&- &
    pid=$!
    started+=("$pid")
    await in_ps "$pid" enabled
    tare top "$pid" --once --all --enable '*' --format json >snapshot.json
    tare record "$pid" --for 0.4 --interval 0.1 -o cap.json
    tare record "$pid" --for 0.4 --interval 0.1 -o cap.trace.json
    tare report cap.json --all >report.txt
    tare report cap.json --format csv >report.csv
    begin_serving "$pid"
    for format in openmetrics text; do
        python -c 'import sys, urllib.request
accept = {"openmetrics": "application/openmetrics-text", "text": "text/plain"}[sys.argv[2]]
print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Accept": accept})).read().decode())' \
            "${url%/}/metrics" "$format" >"metrics.$format"
    done
    end_serving
    # What is known is in each of them: that there is no timing, and how long encoding took.
    for view in snapshot.json cap.json cap.trace.json report.txt report.csv metrics.openmetrics metrics.text; do
        grep -Eq 'gpu_timing_supported' "$view" || fail "'$view' does not say whether the GPU can tell its time"
        ! grep -E 'gfx[._]gpu_(ns|seconds|rolling|sum)|"gpu_ns"' "$view" || fail "'$view' says something of the GPU's time"
    done
    grep -qx "gfx_gpu_timing_supported{pid=\"$pid\",process=\"frames\"} 0" metrics.openmetrics
    # And of threads, which do not all count something.
    grep -qx "tare_process_threads{pid=\"$pid\",process=\"frames\"} 1" metrics.openmetrics
}

@test "luajit: the compiler's events are told" {
    needs_example luajit_host
    run -0 --separate-stderr tare run -o r.json -- luajit_host --rounds 60
    [ "$(of r.json 'i("luajit.rounds")["total"]')" = 60 ]
    [ "$(of r.json 'i("jit.enabled")["value"]')" = 1.0 ]
    [ "$(of r.json 'i("jit.compile.blocks_total", "tier=root")["total"] > 10')" = True ]
    [ "$(of r.json 'i("jit.compile.blocks_total", "tier=side")["total"] > 10')" = True ]
    [ "$(of r.json 'i("jit.compile.time_ns_total", "tier=root")["total"] > 1000')" = True ]
    [ "$(of r.json '0 < i("jit.cache.used_bytes")["peak"] <= i("jit.cache.capacity_bytes")["value"]')" = True ]
    [ "$(of r.json 'i("jit.guard_fail_total")["total"] == i("luajit.exits")["weight"] > 0')" = True ]
}

# A loop of a second, and one that is entered and left all the time: most exits, and hardly any time.
hot_and_often_left() {
    cat >hot.lua <<'END'
local function often(n)
    local s = 0
    for i = 1, n do s = s + i end
    return s
end
local function hot()
    local s, begin = 0, os.clock()
    while os.clock() - begin < 1 do
        for i = 1, 10000000 do s = s + i % 7 end
    end
    return s
end
jit.opt.start('hotexit=200')
for round = 1, 1000 do often(200) end
hot()
END
}

# named FILE KEY: the line that a key stands for.
named() {
    sed -n "s/^$2 //p" "$1"
}

@test "luajit: the hottest traces are those that take the time, and not those that are left most" {
    needs_example luajit_host
    not_with_sanitizer "LuaJIT's samples are taken by a signal, which may wait there until compiled code is left"
    hot_and_often_left
    run -0 --separate-stderr tare run -o r.json -- luajit_host --places places.txt hot.lua
    hottest=$(of r.json 'i("luajit.hot_traces")["keys"][0]["key"]')
    [ "$(named places.txt "$hottest")" = hot.lua:9 ]
    left=$(of r.json 'i("luajit.exits")["keys"][0]["key"]')
    [ "$(named places.txt "$left")" = hot.lua:3 ]
    [ "$(of r.json 'i("luajit.exits")["keys"][0]["weight"] >= 150')" = True ]
    # In ns of the processor's time.
    [ "$(of r.json '3e8 < i("luajit.hot_traces")["keys"][0]["weight"] < 2e9')" = True ]
    # The same keys in each process.
    run -0 --separate-stderr tare run -o again.json -- luajit_host hot.lua
    [ "$(of again.json 'i("luajit.hot_traces")["keys"][0]["key"]')" = "$hottest" ]
    run -1 luajit_host --places /nowhere/places.txt hot.lua
    expect message "$output" "luajit_host: cannot write '/nowhere/places.txt': *"
}

@test "luajit: after a flush, numbers of traces are given anew, and keys are not" {
    needs_example luajit_host
    cat >flushed.lua <<'END'
local function first(n) local s = 0
    for i = 1, n do s = s + i end
    return s
end
local function second(n) local s = 1
    for i = 1, n do s = s + i * 2 end
    return s
end
first(1000)
first(1000)
jit.flush()
second(1000)
second(1000)
END
    run -0 --separate-stderr tare run -o r.json -- luajit_host --places places.txt flushed.lua
    [ "$(of r.json 'i("jit.compile.blocks_total", "tier=root")["total"]')" = 2 ]
    [ "$(of r.json 'len(i("luajit.exits")["keys"])')" = 2 ]
    for key in $(of r.json '" ".join(k["key"] for k in i("luajit.exits")["keys"])'); do
        named places.txt "$key"
    done | sort >names
    [ "$(cat names)" = "flushed.lua:2
flushed.lua:6" ]
}

# of_script SCRIPT ARGUMENTS...: enabled, capacity and used, and evicted.
of_script() {
    echo "$1" >script.lua
    shift
    tare run -o r.json -- luajit_host "$@" script.lua >script.out 2>&1
    of r.json 'i("jit.enabled")["value"], i("jit.cache.capacity_bytes")["value"], i("jit.cache.used_bytes")["value"], i("jit.cache.evicted_total")["total"]'
}

@test "luajit: what a script does to the compiler is seen" {
    needs_example luajit_host
    loops='local function loops(n)
        for i = 1, n do loadstring("local s = 0 for i = 1, 1000 do s = s + i * " .. i .. " end")() end
    end '
    [[ $(of_script "$loops jit.on() loops(3)" --jit off) == "(1.0, 2097152.0, "[1-9]*", 0)" ]]
    [ "$(of r.json 'i("jit.compile.blocks_total", "tier=root")["total"] >= 3')" = True ]
    [ "$(of_script "$loops loops(3) jit.off() loops(3)")" = "(0.0, 0.0, 0.0, 0)" ]
    [[ $(of_script "$loops loops(3) jit.off() jit.on()") == "(1.0, 2097152.0, "[1-9]*", 0)" ]]
    # Of the function that calls it alone.
    [ "$(of_script "jit.off(true) for i = 1, 1000 do end")" = "(1.0, 2097152.0, 0.0, 0)" ]
    # Of all: what was there is gone, and its room is back.
    [ "$(of_script "for i = 1, 1000 do end for i = 1, 1000 do end jit.flush()")" = "(1.0, 2097152.0, 0.0, 2)" ]
    # Of one, twice, and of none: LuaJIT gives no room back.
    of_script "for i = 1, 1000 do end for i = 1, 1000 do end" >/dev/null
    used=$(of r.json 'i("jit.cache.used_bytes")["value"]')
    [ "$(of_script "for i = 1, 1000 do end for i = 1, 1000 do end jit.flush(1) jit.flush(1) jit.flush(9)")" = "(1.0, 2097152.0, $used, 1)" ]
    # Of a function: once LuaJIT has let go of them.
    [[ $(of_script "local function f() for i = 1, 1000 do end end f() jit.flush(f) collectgarbage() collectgarbage()") == "(1.0, 2097152.0, "[1-9]*", 1)" ]]
    [[ $(of_script "jit.opt.start('maxmcode=512', 'hotloop=20')") == "(1.0, 524288.0, "* ]]
    # Events go to the script, too, until it takes its function away.
    [[ $(of_script "local n = 0
        local function count(what) n = n + 1 end
        jit.attach(count, 'trace')
        for i = 1, 1000 do end
        jit.attach(count)
        for i = 1, 1000 do end
        print(n)") == "(1.0, 2097152.0, "[1-9]* ]]
    grep -qx 2 script.out
    [ "$(of r.json 'i("jit.compile.blocks_total", "tier=root")["total"]')" = 2 ]
}

@test "luajit: LuaJIT gives room back only when it flushes all traces, as is told" {
    needs_example luajit_host
    # A trace each round, and all but the last let go of: yet the room gets used up.
    [[ $(of_script "jit.opt.start('maxmcode=64', 'sizemcode=32')
        local most = 0
        for i = 1, 1500 do
            loadstring('local s = 0 for i = 1, 300 do s = s + i * ' .. i .. ' end return s')()
            collectgarbage()
        end") == "(1.0, 65536.0, "[1-9]*", "* ]]
    [ "$(of r.json '32768 < i("jit.cache.used_bytes")["peak"] <= 65536')" = True ]
    [ "$(of r.json 'i("jit.cache.used_bytes")["value"] < i("jit.cache.used_bytes")["peak"]')" = True ]
    [ "$(of r.json '1400 < i("jit.cache.evicted_total")["total"] <= i("jit.compile.blocks_total", "tier=root")["total"]')" = True ]
}

@test "luajit: with the JIT off, its zeros are known in each view, whoever switches instruments on" {
    needs_example luajit_host
    luajit_host --jit off --seconds 60 3>&- &
    pid=$!
    started+=("$pid")
    await tare top "$pid" --once --all --enable '*'
    run -0 tare top "$pid" --once --all --format json
    python - "$output" <<'END'
import json, sys
process, = json.loads(sys.argv[1])["processes"]
found = [i for i in process["instruments"] if i["module"].split(".")[0] == "jit"]
assert len(found) == 14, found
for each in found:
    assert each["enabled"] is True, each
    assert each["total"]["known"] is True, each
    assert each["total"].get("total", each["total"].get("value")) == 0, each
END
    run -0 tare top "$pid" --once --all
    expect output "$output" "*jit.enabled *gauge * 0 *"
    expect output "$output" "*jit.deopt_total *counter * 0 *"
    tare record "$pid" --for 0.3 --interval 0.1 -o cap.json
    run -0 tare report cap.json
    expect output "$output" "*jit.enabled * 0 * 0 *"
    run -0 tare report cap.json --all
    [ "$(grep -c '^jit[.].* 0.* 0' <<<"$output")" = 14 ] # and what follows from them is unknown
    begin_serving "$pid"
    python -c 'import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())' "${url%/}/metrics" >metrics.txt
    for metric in jit_enabled jit_cache_capacity_bytes jit_cache_used_bytes jit_cache_lookup_hit_total \
        jit_cache_lookup_miss_total jit_cache_evicted_total jit_deopt_total jit_guard_fail_total; do
        grep -qx "$metric{pid=\"$pid\",process=\"luajit_host\"} 0" metrics.txt || fail "no $metric of 0"
    done
    for metric in jit_compile_time_seconds_total jit_compile_blocks_total jit_compile_failed_total; do
        [ "$(grep -c "^$metric{.*} 0$" metrics.txt)" = 2 ] || fail "no $metric of 0"
    done
    end_serving
}

@test "luajit: a trace has what its thread was in" {
    needs_example luajit_host
    luajit_host --seconds 60 3>&- >/dev/null &
    pid=$!
    started+=("$pid")
    await in_ps "$pid" threads
    tare record "$pid" --for 1 --interval 0.25 -o vm.trace.json
    python "$here/check_trace.py" vm.trace.json
    grep -q '"ph":"X".*"name":"running".*"of":"luajit.vm"' vm.trace.json
}

@test "luajit: with the JIT off, everything of jit stays 0" {
    needs_example luajit_host
    run -0 --separate-stderr tare run -o r.json -- luajit_host --jit off --rounds 20
    [ "$(of r.json 'i("luajit.rounds")["total"]')" = 20 ]
    [ "$(of r.json 'i("jit.enabled")["value"]')" = 0.0 ]
    [ "$(of r.json 'len(counters("jit")) >= 9')" = True ]
    [ "$(of r.json 'set(counters("jit"))')" = "{0}" ]
    [ "$(of r.json 'i("jit.cache.used_bytes")["value"], i("jit.cache.capacity_bytes")["value"]')" = "(0.0, 0.0)" ]
}

@test "luajit: a script of one's own, and what it gets wrong" {
    needs_example luajit_host
    echo 'local s = 0 for i = 1, 100000 do s = s + i end print(s)' >sum.lua
    run -0 --separate-stderr luajit_host sum.lua
    [ "$output" = 5000050000 ]
    echo 'error("no")' >wrong.lua
    run -1 luajit_host wrong.lua
    expect message "$output" "luajit_host: wrong.lua:1: no"
    run -2 luajit_host --jit maybe
}

@test "redis: a server that nobody instrumented, live" {
    needs_preload
    not_with_sanitizer "it does not start behind another preloaded library"
    command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null || skip "no redis-server"
    TARE=$build_dir/bin/tare PORT=$((20000 + RANDOM % 20000)) run -0 "$source_dir/examples/redis/watch.sh" 1
    expect output "$output" "redis-server is process *; watch it at http://127.0.0.1:*calls of libc*tare_timer_seconds_count{*"
    # By the name that it was started by, whatever file that is a link to.
    expect output "$output" '*tare_timer_seconds_count{*,process="redis-server",*'
}

@test "redis: a server that is there already is somebody else's" {
    command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null || skip "no redis-server"
    local port tries
    for tries in 1 2 3 4 5; do # a port may be taken
        port=$((20000 + RANDOM % 20000))
        redis-server --port "$port" --bind 127.0.0.1 --save '' --dir . >redis.log 2>&1 3>&- &
        pid=$!
        started+=("$pid")
        await grep -q "eady to accept\|Warning: Could not\|Failed listening" redis.log
        ! grep -q "eady to accept" redis.log || break
    done
    redis-cli -p "$port" set mine yes
    TARE=$build_dir/bin/tare PORT=$port run -1 "$source_dir/examples/redis/watch.sh" 1
    [ "$output" = "watch.sh: port $port is in use: PORT=... gives another one" ] || fail "$output"
    [ "$(redis-cli -p "$port" get mine)" = yes ]
    kill "$pid"
}

@test "frames: --help" {
    needs_example frames
    run -0 --separate-stderr frames --help
    expect usage "$output" "usage: frames *--png FILE*"
    [ -z "$stderr" ]
    run -2 frames --frame 1
    expect message "$output" "frames: '--frame 1' is not understood: frames *"
}
