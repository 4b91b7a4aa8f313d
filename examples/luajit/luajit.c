/* SPDX-License-Identifier: MIT */
/*
 * A program that embeds LuaJIT, and tells what its compiler does, from the compiler's own events:
 *
 *     ./luajit_host --seconds 60 &         # built-in work: loops, strings, tables; new code all the time
 *     tare top luajit_host                 # compile ms/s, traces/s, code cache, exits, hot traces
 *     ./luajit_host --jit off script.lua   # all of jit.* stays 0, unless the script calls jit.on()
 *
 * LuaJIT compiles traces: root traces begin at hot loops, side traces at exits of others that are taken often.
 * It says when it starts to record one, stops (the machine code is there), aborts, flushes all of them, and,
 * for each exit from a trace back to the interpreter, which one it was. There are no lookups to be seen from
 * outside (a compiled loop is patched into the bytecode), so hits and misses of the cache stay 0, and the hit
 * rate is unknown.
 *
 * A script may switch the compiler by itself. LuaJIT has no event for that, so jit.on(), jit.off(),
 * jit.flush(), jit.opt.start() and jit.attach() are wrapped. README.md says what each figure means.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <lualib.h>

#include <tare/jit.h>

TARE_MODULE("luajit");
TARE_JIT_TIER(root);
TARE_JIT_TIER(side);
TARE_TOPK(hot_traces, 256, "ns", 0, "Lines of compiled code by the processor time that they take");
TARE_TOPK(exits, 256, "exits", 0, "Traces by how often they are left, by the line where they begin");
TARE_COUNTER(rounds, 0, 0, "Rounds of the work that were done");
TARE_STATE(vm, "running", "recording");
enum { VM_RUNNING, VM_RECORDING };

enum { CACHE_KB = 2048, TRACES_MAX = 65536, PLACES_MAX = 8192, LOOK_EVERY_NS = 100000000 };

/* What LuaJIT does not keep for us. All of it happens in the one thread that runs Lua. */
static struct {
    bool on;             /* as the compiler was last seen */
    bool sampling;       /* by LuaJIT's profiler */
    bool ended;          /* nothing is told any more */
    uint64_t started_ns; /* of the trace being recorded */
    uint64_t start;      /* the place where it begins */
    bool side;
    struct {
        bool live, side;
        uint64_t start;
    } traces[TRACES_MAX]; /* by number, which LuaJIT gives again to another trace later */
    int highest;          /* number of a live one */
    uint64_t capacity;    /* bytes */
    uint64_t used;        /* bytes of machine code since the last flush of all: no room comes back before it */
    uint64_t looked_ns;   /* which of them are still there */
    uint64_t sampled_ns;  /* processor time at the last sample */
    int util;             /* the table jit.util, in the registry */
    int status;           /* the function jit.status */
    FILE *places;         /* where their names go; NULL: nowhere */
    size_t places_known;
    uint64_t known[PLACES_MAX];
} vm;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* The first time that a place is seen, its name is written. */
static void name_place(uint64_t key, const char *name)
{
    if (vm.places == NULL || vm.places_known > PLACES_MAX / 2) {
        return;
    }
    size_t at = (key ^ key >> 32) % PLACES_MAX;
    for (; vm.known[at] != 0; at = (at + 1) % PLACES_MAX) {
        if (vm.known[at] == key) {
            return;
        }
    }
    vm.known[at] = key;
    vm.places_known++;
    if (vm.places_known > PLACES_MAX / 2) {
        fputs("# places that come later have no names here\n", vm.places);
    } else {
        fprintf(vm.places, "0x%llx %s\n", (unsigned long long)key, name);
    }
    fflush(vm.places);
}

/*
 * A line, as a key: 40 bits of a hash of where the code is from (the file's name, or the text itself of code
 * that is not from a file), and the line. It means the same in each process, and no other line is ever given
 * it.
 */
static uint64_t place(const char *source, int line)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const char *c = source; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ hash >> 40) & ((UINT64_C(1) << 40) - 1);
    return hash << 24 | ((unsigned)line & 0xffffff);
}

/* jit.util's function `name`, for a call. */
static void push_util(lua_State *lua, const char *name)
{
    lua_rawgeti(lua, LUA_REGISTRYINDEX, vm.util);
    lua_getfield(lua, -1, name);
    lua_remove(lua, -2);
}

/* The size of a trace's machine code: what jit.util.tracemc gives as a string. */
static size_t machine_code_size(lua_State *lua, int trace)
{
    size_t size = 0;
    push_util(lua, "tracemc");
    lua_pushinteger(lua, trace);
    if (lua_pcall(lua, 1, 1, 0) == 0 && lua_type(lua, -1) == LUA_TSTRING) {
        lua_tolstring(lua, -1, &size);
    }
    lua_pop(lua, 1);
    return size;
}

/* Where a trace begins: at the function and pc that stand at `at` and behind it; 0: nobody knows. */
static uint64_t place_of_pc(lua_State *lua, int at)
{
    uint64_t key = 0;
    push_util(lua, "funcinfo");
    lua_pushvalue(lua, at);
    lua_pushvalue(lua, at + 1);
    if (lua_pcall(lua, 2, 1, 0) == 0 && lua_istable(lua, -1)) {
        lua_getfield(lua, -1, "source");
        lua_getfield(lua, -2, "currentline");
        lua_getfield(lua, -3, "loc");
        const char *source = lua_tostring(lua, -3), *name = lua_tostring(lua, -1);
        if (source != NULL && lua_tointeger(lua, -2) > 0) {
            key = place(source, (int)lua_tointeger(lua, -2));
            name_place(key, name != NULL ? name : "?");
        }
        lua_pop(lua, 3);
    }
    lua_pop(lua, 1);
    return key;
}

/* A sample of LuaJIT's profiler: the processor time since the one before goes to the line that is running. */
static void on_sample(void *data, lua_State *lua, int samples, int state)
{
    (void)data;
    (void)samples; /* several, if there was no time to take them one by one */
    uint64_t now = clock_ns(CLOCK_THREAD_CPUTIME_ID), passed = now - vm.sampled_ns;
    lua_Debug frame;
    vm.sampled_ns = now;
    for (int level = 0; state == 'N' && lua_getstack(lua, level, &frame) != 0; level++) {
        if (lua_getinfo(lua, "Sl", &frame) != 0 && frame.currentline > 0) {
            char name[LUA_IDSIZE + 16];
            uint64_t key = place(frame.source, frame.currentline);
            snprintf(name, sizeof(name), "%s:%d", frame.short_src, frame.currentline);
            name_place(key, name);
            TARE_HIT(hot_traces, key, passed);
            return;
        }
    }
}

/*
 * "l": compiled code looks for a sample at each new line, so that none waits for the end of a loop. This
 * flushes all traces: not from within an event.
 */
static void start_sampling(lua_State *lua)
{
    if (!vm.on || vm.sampling) {
        return;
    }
    vm.sampling = true;
    vm.sampled_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    luaJIT_profile_start(lua, "li1", on_sample, NULL);
}

static void told_cache(void)
{
    tare_jit_cache_capacity(vm.capacity);
    tare_jit_cache_used(vm.used);
}

/* Whether the compiler is on, as it says itself. */
static void look_at_status(lua_State *lua)
{
    lua_rawgeti(lua, LUA_REGISTRYINDEX, vm.status);
    bool on = lua_pcall(lua, 0, 1, 0) == 0 && lua_toboolean(lua, -1) != 0;
    lua_pop(lua, 1);
    vm.on = on;
    tare_jit_enabled(on);
    told_cache();
}

static void evict(int trace)
{
    if (trace > 0 && trace < TRACES_MAX && vm.traces[trace].live) {
        vm.traces[trace].live = false;
        tare_jit_cache_evicted(1);
    }
}

/* Traces also go with their function, or after a flush of their own, when Lua's memory is tidied up. */
static void look_at_traces(lua_State *lua)
{
    int highest = 0;
    vm.looked_ns = now_ns();
    for (int i = 1; vm.on && i <= vm.highest; i++) {
        if (vm.traces[i].live) {
            push_util(lua, "traceinfo");
            lua_pushinteger(lua, i);
            if (lua_pcall(lua, 1, 1, 0) == 0 && lua_isnil(lua, -1)) {
                evict(i);
            }
            lua_pop(lua, 1);
        }
        highest = vm.traces[i].live ? i : highest;
    }
    vm.highest = vm.on ? highest : vm.highest;
}

static void trace_ended(bool compiled)
{
    uint64_t ns = now_ns() - vm.started_ns;
    if (compiled && vm.side) {
        tare_jit_compiled(side, ns, 1);
    } else if (compiled) {
        tare_jit_compiled(root, ns, 1);
    } else if (vm.side) {
        tare_jit_failed(side, ns);
    } else {
        tare_jit_failed(root, ns);
    }
    TARE_ENTER(vm, VM_RUNNING);
}

static void trace_compiled(lua_State *lua, int trace)
{
    trace_ended(true);
    vm.used += machine_code_size(lua, trace);
    tare_jit_cache_used(vm.used);
    if (trace > 0 && trace < TRACES_MAX) {
        evict(trace); /* the one that had this number before */
        vm.traces[trace].live = true;
        vm.traces[trace].side = vm.side;
        vm.traces[trace].start = vm.start;
        vm.highest = trace > vm.highest ? trace : vm.highest;
    }
    if (now_ns() - vm.looked_ns > LOOK_EVERY_NS) {
        look_at_traces(lua);
    }
}

/* callback(what, trace, function, pc, other trace, its exit) */
static int on_trace(lua_State *lua)
{
    const char *what = lua_tostring(lua, 1);
    if (what == NULL || vm.ended) {
        return 0;
    }
    if (strcmp(what, "start") == 0) {
        if (!vm.on) {
            look_at_status(lua); /* it was switched on in a way that is not wrapped */
        }
        vm.side = lua_type(lua, 5) == LUA_TNUMBER;
        vm.start = place_of_pc(lua, 3);
        TARE_ENTER(vm, VM_RECORDING);
        vm.started_ns = now_ns();
    } else if (strcmp(what, "stop") == 0) {
        trace_compiled(lua, (int)lua_tointeger(lua, 2));
    } else if (strcmp(what, "abort") == 0) {
        trace_ended(false);
    } else if (strcmp(what, "flush") == 0) {
        for (int i = 1; i <= vm.highest; i++) {
            evict(i);
        }
        vm.highest = 0;
        vm.used = 0;
        tare_jit_cache_used(0);
    }
    return 0;
}

/* callback(trace, exit, ...): a guard of the trace did not hold. */
static int on_exit_of_trace(lua_State *lua)
{
    int trace = (int)lua_tointeger(lua, 1);
    tare_jit_guard_failed(1);
    TARE_HIT(exits, trace > 0 && trace < TRACES_MAX ? vm.traces[trace].start : 0, 1);
    return 0;
}

/* From the wrappers: "mode", "flush" of a trace, "room" in KiB. */
static int on_call(lua_State *lua)
{
    const char *what = lua_tostring(lua, 1);
    int number = lua_type(lua, 2) == LUA_TNUMBER ? (int)lua_tointeger(lua, 2) : -1;
    if (what == NULL) {
        return 0;
    }
    if (strcmp(what, "mode") == 0) {
        look_at_status(lua);
        start_sampling(lua);
    } else if (strcmp(what, "room") == 0) {
        vm.capacity = (uint64_t)number * 1024;
        tare_jit_cache_capacity(vm.capacity);
    } else if (number > 0 && number < TRACES_MAX && !vm.traces[number].side) {
        evict(number); /* LuaJIT leaves side traces alone */
    }
    look_at_traces(lua);
    return 0;
}

/* What is done to `true` is done to the caller: it is named here, as the wrapper would be the caller then. */
static const char wrappers[] =
    "local on_call, on_trace, on_exit = ...\n"
    "local attach, start, getinfo = jit.attach, jit.opt.start, debug.getinfo\n"
    "local ours, theirs = {trace = on_trace, texit = on_exit}, {}\n"
    "for _, name in ipairs{'on', 'off', 'flush'} do\n"
    "    local original = jit[name]\n"
    "    jit[name] = function(what, ...)\n"
    "        if what == true then what = getinfo(2, 'f').func end\n"
    "        original(what, ...)\n"
    "        on_call(name == 'flush' and 'flush' or 'mode', what)\n"
    "    end\n"
    "end\n"
    "jit.opt.start = function(...)\n"
    "    if select('#', ...) == 0 then start() end\n"
    "    for _, option in ipairs{...} do\n"
    "        start(option)\n"
    "        local room = tostring(option):match('^maxmcode=(%d+)$')\n"
    "        if room then on_call('room', tonumber(room)) end\n"
    "    end\n"
    "end\n"
    "local function attach_both(event)\n"
    "    local mine, other = ours[event], theirs[event]\n"
    "    attach(other and function(...) mine(...) other(...) end or mine, event)\n"
    "end\n"
    "jit.attach = function(callback, event)\n" /* there is one callback for each event */
    "    if ours[event] == nil then attach(callback, event) end\n"
    "    for name in pairs(ours) do\n"
    "        if name == event then theirs[name] = callback\n"
    "        elseif event == nil and theirs[name] == callback then theirs[name] = nil end\n"
    "        attach_both(name)\n"
    "    end\n"
    "end\n"
    "attach_both('trace')\n"
    "attach_both('texit')\n";

static bool start_jit(lua_State *lua, bool on)
{
    char limits[64];
    snprintf(limits, sizeof(limits), "jit.opt.start('maxmcode=%d')", CACHE_KB);
    vm.capacity = (uint64_t)CACHE_KB * 1024;
    luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | (on ? LUAJIT_MODE_ON : LUAJIT_MODE_OFF));
    if (luaL_dostring(lua, limits) != 0 || luaL_dostring(lua, "return jit.status, require('jit.util')") != 0) {
        return false;
    }
    vm.util = luaL_ref(lua, LUA_REGISTRYINDEX);
    vm.status = luaL_ref(lua, LUA_REGISTRYINDEX);
    if (luaL_loadstring(lua, wrappers) != 0) {
        return false;
    }
    lua_pushcfunction(lua, on_call);
    lua_pushcfunction(lua, on_trace);
    lua_pushcfunction(lua, on_exit_of_trace);
    if (lua_pcall(lua, 3, 0, 0) != 0) {
        return false;
    }
    look_at_status(lua);
    start_sampling(lua);
    return true;
}

/* Stopping the profiler flushes all traces, which nobody asked for: it is not told. */
static void end_jit(lua_State *lua)
{
    look_at_traces(lua);
    vm.ended = true;
    luaJIT_profile_stop(lua);
}

/* Each round compiles a function of its own, so that the compiler never runs out of work. */
static const char built_in_work[] = "local round = ...\n"
                                    "local source = ([[\n"
                                    "    local n = ...\n"
                                    "    local sum, words = 0, {}\n"
                                    "    for i = 1, n do\n"
                                    "        if i % NUMBER == 0 then sum = sum + i else sum = sum - 1 end\n"
                                    "        if i % 3 == 0 then sum = sum * 0.5 end\n"
                                    "    end\n"
                                    "    for i = 1, n / 50 do words[i] = tostring(i) .. 'x' end\n"
                                    "    return sum + #table.concat(words)\n"
                                    "]]):gsub('NUMBER', tostring(round % 97 + 2))\n"
                                    "return assert(loadstring(source, '=work ' .. round % 97 + 2))(20000)\n";

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

/* Runs the work again and again, or a script once. */
static bool run(lua_State *lua, const char *script, double seconds, unsigned long rounds)
{
    uint64_t begin_ns = now_ns();
    if (script != NULL) {
        return luaL_dofile(lua, script) == 0;
    }
    if (luaL_loadstring(lua, built_in_work) != 0) {
        return false;
    }
    for (unsigned long round = 0; !stopped && (rounds == 0 || round < rounds); round++) {
        if (seconds > 0 && (double)(now_ns() - begin_ns) >= seconds * 1e9) {
            break;
        }
        lua_pushvalue(lua, 1);
        lua_pushinteger(lua, (lua_Integer)round);
        if (lua_pcall(lua, 1, 0, 0) != 0) {
            return false;
        }
        TARE_ADD(rounds, 1);
    }
    return true;
}

static int usage(void)
{
    fputs("usage: luajit_host [--jit on|off] [--seconds S] [--rounds N] [--places FILE] [SCRIPT.lua]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *script = NULL, *places = NULL;
    bool jit = true;
    double seconds = 0;
    unsigned long rounds = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        char *end = NULL;
        errno = 0;
        if (strcmp(argv[i], "--jit") == 0 && (strcmp(value, "on") == 0 || strcmp(value, "off") == 0)) {
            jit = strcmp(argv[++i], "on") == 0;
        } else if (strcmp(argv[i], "--seconds") == 0 && (seconds = strtod(value, &end)) > 0 && *end == '\0') {
            i++;
        } else if (strcmp(argv[i], "--rounds") == 0 && (rounds = strtoul(value, &end, 10)) > 0 &&
                   *end == '\0' && errno == 0) {
            i++;
        } else if (strcmp(argv[i], "--places") == 0 && *value != '\0') {
            places = argv[++i];
        } else if (argv[i][0] != '-' && script == NULL) {
            script = argv[i];
        } else {
            return usage();
        }
    }
    if (places != NULL && (vm.places = fopen(places, "we")) == NULL) {
        fprintf(stderr, "luajit_host: cannot write '%s': %s\n", places, strerror(errno));
        return 1;
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    lua_State *lua = luaL_newstate();
    if (lua == NULL) {
        fputs("luajit_host: out of memory\n", stderr);
        return 1;
    }
    luaL_openlibs(lua);
    TARE_ENTER(vm, VM_RUNNING);
    bool fine = start_jit(lua, jit);
    lua_settop(lua, fine ? 0 : -1);
    fine = fine && run(lua, script, seconds, rounds);
    if (!fine) {
        const char *message = lua_tostring(lua, -1);
        fprintf(stderr, "luajit_host: %s\n", message != NULL ? message : "LuaJIT has no events to attach to");
    }
    TARE_LEAVE(vm);
    end_jit(lua);
    lua_close(lua);
    return fine ? 0 : 1;
}
