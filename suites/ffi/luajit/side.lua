-- SPDX-License-Identifier: MIT
--[[
The side in LuaJIT: libbenchlib.so by ffi.load(), driven by `tare bench` (harness/lines.h has the jobs and lines), or asked
for its results:

    luajit side.lua check < vectors.txt
    luajit side.lua verify

A loop's first iteration is timed alone, interpreted and cold. Runs before the samples find how many iterations make one, and
have the JIT compile the loop; an empty loop, compiled as well, is measured the same way and subtracted. The collector runs
as it does for everyone.
]]
local ffi = require("ffi")

local folder = arg[0]:match("^(.*/)") or "./"
local lib, targets = dofile(folder .. "benchlib.lua")(folder)
local cases = dofile(folder .. "cases.lua")

ffi.cdef([[
struct side_timespec { int64_t s, ns; };
int clock_gettime(int clock, struct side_timespec *time);
ssize_t write(int fd, const void *data, size_t size);
int fcntl(int fd, int what, ...);
int unsetenv(const char *name);
int sched_getcpu(void);
]])
local CLOCK_PROCESS_CPUTIME, CLOCK_MONOTONIC_RAW = 2, 4
local F_SETFD, FD_CLOEXEC = 2, 1
local ROUNDS, WARM_NS, GROWTH = 15, 3e6, 16
local LOOK_NS = 1e8 -- samples are told some ten times a second at most, as writing wakes the reader up
local SAMPLES_MAX, ITERATIONS_MAX = 4096, 2 ^ 50

local time = ffi.new("struct side_timespec")
local function clock_ns(clock)
    ffi.C.clock_gettime(clock, time)
    return tonumber(time.s) * 1e9 + tonumber(time.ns)
end

-- ns from before to after so many iterations. Differences of parts: a double has not room for the whole.
local before, after = ffi.new("struct side_timespec"), ffi.new("struct side_timespec")
local function timed(run, count)
    ffi.C.clock_gettime(CLOCK_MONOTONIC_RAW, before)
    run(count)
    ffi.C.clock_gettime(CLOCK_MONOTONIC_RAW, after)
    return tonumber(after.s - before.s) * 1e9 + tonumber(after.ns - before.ns)
end
jit.off(timed)

local fd
local said = {}
local function say(format, ...)
    said[#said + 1] = format:format(...)
end

local function flush()
    said[#said + 1] = ""
    local text, at = table.concat(said, "\n"), 0
    said = {}
    while at < #text do
        local n = tonumber(ffi.C.write(fd, text:sub(at + 1), #text - at))
        if n < 0 then
            if ffi.errno() ~= 4 then -- EINTR
                os.exit(1) -- who asked has gone
            end
            n = 0
        end
        at = at + n
    end
end

-- What is captured in the first line that the pattern fits; nil without one.
local function first_line_matching(path, pattern)
    local file = io.open(path)
    if not file then
        return nil
    end
    local found = {}
    for line in file:lines() do
        found = {line:match(pattern)}
        if found[1] then
            break
        end
    end
    file:close()
    return unpack(found)
end

-- What the process has taken so far; nil where the kernel does not say.
local function used()
    local ran, wait = first_line_matching("/proc/thread-self/schedstat", "^(%d+) (%d+)")
    return {
        ran = tonumber(ran),
        wait = tonumber(wait),
        cpu = clock_ns(CLOCK_PROCESS_CPUTIME),
        involuntary = tonumber((first_line_matching("/proc/thread-self/status", "^nonvoluntary_ctxt_switches:%s*(%d+)"))),
    }
end

local function median(list)
    table.sort(list)
    return list[math.floor(#list / 2) + 1]
end

local function empty_loop()
    return assert(loadstring("return function(count) for _ = 1, count do end end"))()
end

-- What two readings of the clock take with a call of an empty loop, and an iteration of that.
local function costs()
    local empty = empty_loop()
    local none, least = {}, math.huge
    timed(empty, 100000)
    for i = 1, ROUNDS do
        none[i] = timed(empty, 1)
        least = math.min(least, timed(empty, 16384))
    end
    local reading = median(none)
    return math.max(0, reading), math.max(0, (least - reading) / 16383), empty
end

-- Iterations that take about so long, found by running more and more of them, for a while at least: it is compiled then.
local function scale(run, sample_ns)
    local count, spent = 1, 0
    while true do
        local ns = math.max(1, timed(run, count))
        local wanted = count * sample_ns / ns
        spent = spent + ns
        if wanted <= count * 1.5 and (spent >= WARM_NS or count == 1) then
            return math.max(1, math.min(math.floor(wanted + 0.5), ITERATIONS_MAX))
        end
        count = math.max(1, math.floor(math.min(wanted, count * GROWTH)))
    end
end

local function list()
    for i, one in ipairs(cases.list) do
        local args = one.n and " args=" .. one.n or ""
        local name = one.n and one.bench .. "/" .. one.n or one.bench
        say("case %d %s threads=1%s bench=%s line=%d file=cases.lua", i - 1, name, args, one.bench, one.line)
    end
end

local function block(job, run, right)
    local reading, loop, empty = costs()
    if job.empty ~= 0 then
        run, right = empty, function() return true end
    end
    local first = timed(run, 1) - reading
    if not right() then
        error("the result of the first call is wrong", 0)
    end
    local count = job.iterations > 0 and job.iterations or scale(run, job.sample_ns)
    say("loop %.4f", loop)
    say("first %.1f", first)
    local samples, told, told_ns = {}, 0, clock_ns(CLOCK_MONOTONIC_RAW)
    local function tell()
        for i = told + 1, #samples do
            say("sample %.0f %.1f", count, samples[i] - reading - loop * count)
        end
        told = #samples
        flush()
        told_ns = clock_ns(CLOCK_MONOTONIC_RAW)
    end
    local began, migrations, cpu = used(), 0, ffi.C.sched_getcpu()
    for i = 1, job.samples do
        samples[i] = timed(run, count)
        local now = ffi.C.sched_getcpu()
        migrations = migrations + (now ~= cpu and 1 or 0)
        cpu = now
        if clock_ns(CLOCK_MONOTONIC_RAW) - told_ns >= LOOK_NS then
            tell()
        end
    end
    local ended = used()
    tell()
    -- A kernel that does not count how long threads wait, writes zeros.
    if ended.ran == 0 and ended.wait == 0 then
        ended.wait = nil
    end
    for _, name in ipairs({"wait", "cpu", "involuntary"}) do
        if began[name] and ended[name] and ended[name] >= began[name] then
            say("%s %.0f", name, ended[name] - began[name])
        end
    end
    say("migrations %d", migrations)
end

-- Just so many iterations, for who looks from outside, and nothing else is called: the loop is interpreted until the JIT has
-- compiled it.
local function exact(job, run)
    say("sample %.0f %.1f", job.iterations, timed(job.empty ~= 0 and empty_loop() or run, job.iterations))
end

-- A table, or nil if it is no job.
local function parse_job(text)
    local job = {job = "", fd = -1, case = 0, samples = 1, sample_ns = 0, iterations = 0, empty = 0}
    for word in text:gmatch("[^ ]+") do
        local name, value = word:match("^(.-)=(.*)$")
        if not name or not job[name] then
            return nil
        elseif name == "job" then
            job.job = value
        elseif value:find("^[0-9]+$") and #value <= 18 then
            job[name] = tonumber(value)
        else
            return nil
        end
    end
    local kind = job.job
    local fine = job.fd >= 0 and job.fd < 2 ^ 31 and job.samples >= 1 and job.samples <= SAMPLES_MAX and
        job.iterations <= ITERATIONS_MAX and
        (kind == "list" or ((kind == "exact" or kind == "count") and job.iterations > 0) or
            (kind == "block" and (job.iterations > 0 or job.sample_ns > 0)))
    return fine and job or nil
end

-- Of `count` there is nothing that could be said: what the interpreter and its JIT take would be in it.
local jobs = {block = block, exact = exact, count = function() end}

local function drive(text)
    local job = parse_job(text)
    if not job or ffi.C.fcntl(job.fd, F_SETFD, ffi.new("int", FD_CLOEXEC)) ~= 0 then
        io.stderr:write("'", text, "' in TARE_BENCH_DRIVE is no job, or its descriptor is not open: it is for 'tare bench'\n")
        return 2
    end
    fd = job.fd
    ffi.C.unsetenv("TARE_BENCH_DRIVE")
    say("tare-bench 1")
    local one, failed = cases.list[job.case + 1], nil
    if job.job == "list" then
        list()
    elseif not one then
        failed = "there is no case of that number"
    else
        flush() -- so that whatever happens now, it is known who said it
        local fine, why = pcall(function()
            local run, right = cases.make(one, ffi, lib, targets)
            jobs[job.job](job, run, right)
        end)
        failed = not fine and tostring(why):gsub("[^ -~]", "?"):sub(1, 1000) or nil
    end
    if failed then
        say("failed %s", failed)
    else
        say("end")
    end
    flush()
    return failed and 1 or 0
end

local text = os.getenv("TARE_BENCH_DRIVE")
if arg[1] == "check" then
    os.exit(dofile(folder .. "check.lua")(nil, ffi, lib, targets))
elseif arg[1] == "verify" then
    os.exit(dofile(folder .. "check.lua")(folder .. "../vectors.txt", ffi, lib, targets))
elseif text then
    os.exit(drive(text))
end
io.stderr:write("usage: luajit side.lua check < vectors.txt, or verify; else it is for 'tare suite ffi'\n")
os.exit(2)
