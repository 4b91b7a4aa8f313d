-- SPDX-License-Identifier: MIT
-- The benchmarks of the side in LuaJIT, as source text: for each case a loop of its own is compiled, with its arguments in it
-- as a user would write them, so that traces know no other case. ../README.md has what each does. What is called keeps its
-- place in the loop: LuaJIT takes a call of C as one that may do anything. Calls of C that call back must not be in a
-- trace: `back`. Structs by value are no part of traces; there LuaJIT interprets by itself.
local list = {}

-- The line of this file that is being run.
local function line_here()
    local level = 2
    while debug.getinfo(level, "S").what ~= "main" do
        level = level + 1
    end
    return debug.getinfo(level, "l").currentline
end

-- setup: run once, sees `n` (the argument); body: one iteration; right: an expression, true after the first iteration.
local function case(name, arguments, setup, body, right, back)
    for _, n in ipairs(arguments) do
        list[#list + 1] =
            {bench = name, n = n or nil, line = line_here(), setup = setup, body = body, right = right, back = back}
    end
end

-- A call of values alone: its result.
local function call(name, arguments, expected)
    local text = "lib.bl_" .. name .. "(" .. arguments .. ")"
    case(name, {false}, "local r", "r = " .. text, "r == " .. expected)
end

case("noop", {false}, "", "lib.bl_noop()", "true")
call("return_int", "", "42")
call("return_int64", "", "2LL ^ 40 + 7")
call("return_bool", "", "true")
call("return_double", "", "2.5")
call("add_i32", "40, 2", "42")
call("add_i64", "1099511627776LL, 2LL", "1099511627778LL")
call("add_u32", "4294967295, 2", "1")
call("add_u64", "9223372036854775808ULL, 2ULL", "9223372036854775810ULL")
call("add_f32", "1.5, 2.25", "3.75")
call("add_f64", "1.5, 2.25", "3.75")
call("mul_f64", "1.5, 2.25", "3.375")
call("mul_i32", "65537, 65537", "131073")
call("mul_i64", "1099511627776LL, 3LL", "3298534883328LL")
case("add_i32_checked", {false}, "local out, fine, r = ffi.new('int32_t[1]')",
    "fine = lib.bl_add_i32_checked(40, 2, out) r = out[0]", "fine and r == 42")
case("add_i64_checked", {false}, "local out, fine, r = ffi.new('int64_t[1]')",
    "fine = lib.bl_add_i64_checked(1099511627776LL, 2LL, out) r = out[0]", "fine and r == 1099511627778LL")
call("and", "true, false", "false")
call("not", "true", "false")
call("xor_u64", "9223372036854775809ULL, 1ULL", "9223372036854775808ULL")
call("args_8i", "1, 2, 3, 4, 5, 6, 7, 8", "36")
call("args_12mixed", "1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0, 9, 10.0, 11, 12.0", "78")

-- A Lua string has a NUL behind it: C reads it where it is.
local text = "local text, r = text_of(n)"
case("str_length", {16, 1024}, text, "r = tonumber(lib.bl_str_length(text))", "r == n")
case("str_length_copied", {16, 1024}, text,
    "local copy = ffi.new(chars, n + 1) ffi.copy(copy, text) r = tonumber(lib.bl_str_length(copy))", "r == n")
local umlauts = "local text, r = ('\195\164\195\182\195\188'):rep(3):sub(1, n)"
case("str_length_utf8", {16}, umlauts, "r = tonumber(lib.bl_str_length_utf8(text))", "r == 8")
case("str_length_utf8_copied", {16}, umlauts,
    "local copy = ffi.new(chars, n + 1) ffi.copy(copy, text) r = tonumber(lib.bl_str_length_utf8(copy))", "r == 8")
case("str_identity", {16}, text, "r = lib.bl_str_identity(text)", "ffi.string(r) == text")
case("str_identity_copied", {16}, text,
    "local copy = ffi.new(chars, n + 1) ffi.copy(copy, text) r = ffi.string(lib.bl_str_identity(copy))", "r == text")
case("str_concat", {16}, text,
    "local both = lib.bl_str_concat(text, text) r = ffi.string(both) lib.bl_free(both)", "r == text .. text")
local bytes = "local data, r = ffi.new('uint8_t[?]', n) for i = 0, n - 1 do data[i] = i % 4 end"
case("bytes_count_nul", {64}, bytes, "r = tonumber(lib.bl_bytes_count_nul(data, n))", "r == n / 4")
case("bytes_count_nul_copied", {64}, bytes,
    "local copy = ffi.new(octets, n) ffi.copy(copy, data, n) r = tonumber(lib.bl_bytes_count_nul(copy, n))",
    "r == n / 4")

local values = "local data, r = values_of(n)"
case("array_sum", {16, 4096}, values, "r = lib.bl_array_sum(data, n)", "r == sum_of(data, n, 1)")
case("array_sum_copied", {16, 4096}, values,
    "local copy = ffi.new(doubles, n) ffi.copy(copy, data, 8 * n) r = lib.bl_array_sum(copy, n)", "r == sum_of(data, n, 1)")
case("array_sum_list", {16, 4096},
    values .. " local list = {} for i = 1, n do list[i] = data[i - 1] end",
    "local copy = ffi.new(doubles, n) for i = 1, n do copy[i - 1] = list[i] end r = lib.bl_array_sum(copy, n)",
    "r == sum_of(data, n, 1)")
case("array_scale", {4096}, values, "lib.bl_array_scale(data, n, -1)", "data[1] == -0.5")
case("array_scale_copied", {4096}, values,
    "local copy = ffi.new(doubles, n) ffi.copy(copy, data, 8 * n) lib.bl_array_scale(copy, n, -1) ffi.copy(data, copy, 8 * n)",
    "data[1] == -0.5")
local four = "local data, r = values_of(4 * n)"
case("array_sum_strided", {256}, four, "r = lib.bl_array_sum_strided(data, n, 4)", "r == sum_of(data, n, 4)")
case("array_sum_strided_copied", {256}, four,
    "local copy = ffi.new(doubles, 4 * n) ffi.copy(copy, data, 32 * n) r = lib.bl_array_sum_strided(copy, n, 4)",
    "r == sum_of(data, n, 4)")
case("array_fill_i32", {4096}, "local data = ffi.new(integers, n)", "lib.bl_array_fill_i32(data, n, 7)",
    "data[0] == 7 and data[n - 1] == 7")
case("array_fill_i32_copied", {4096}, "local data = ffi.new(integers, n)",
    "local filled = ffi.new(integers, n) lib.bl_array_fill_i32(filled, n, 7) ffi.copy(data, filled, 4 * n)",
    "data[0] == 7 and data[n - 1] == 7")

case("point_add", {false}, "local a, b = ffi.new('struct bl_point', 1.5, 2.5), ffi.new('struct bl_point', 10, 20) local x, y",
    "local sum = lib.bl_point_add(a, b) x = sum.x y = sum.y", "x == 11.5 and y == 22.5")
local point = "local kind = ffi.typeof('struct bl_point') local point, r = kind(3, 4)"
case("point_norm2", {false}, point, "r = lib.bl_point_norm2(point)", "r == 25")
case("point_norm2_copied", {false}, point, "r = lib.bl_point_norm2(ffi.new(kind, point))", "r == 25")
local record = "local kind = ffi.typeof('struct bl_record') " ..
    "local record, r = kind({id = 7, counts = {0, 1, 2, 3, 4, 5}, name = 'benchlib'}) " ..
    "for i = 0, 7 do record.values[i] = i + 0.5 end"
case("record_sum", {false}, record, "r = lib.bl_record_sum(record)", "r == 62")
case("record_sum_copied", {false}, record, "r = lib.bl_record_sum(ffi.new(kind, record))", "r == 62")
case("block_make", {false}, "local r", "r = lib.bl_block_make(5).words[15]", "r == 20")

case("callback_once", {false}, "local r local f = ffi.cast('int32_t (*)(int32_t)', function(x) return x + 1 end)",
    "r = lib.bl_callback_once(f, 41)", "r == 42", true)
local iterate = "local f, r = ffi.cast('bool (*)(size_t, void *)', function(i) return i + 1ULL ~= stop end)"
case("callback_iterate", {100}, "local stop = 0ULL " .. iterate, "r = tonumber(lib.bl_callback_iterate(f, n, nil))",
    "r == n", true)
case("callback_iterate_stop", {100}, "local stop = 10ULL " .. iterate,
    "r = tonumber(lib.bl_callback_iterate(f, n, nil))", "r == 10", true)
case("callback_transform", {100},
    values .. " local f = ffi.cast('double (*)(double)', function(x) return -x end)",
    "lib.bl_callback_transform(data, n, f)", "data[1] == -0.5 and data[2] == -1", true)

case("alloc_free", {64, 65536}, "local r", "r = lib.bl_alloc(n) lib.bl_free(r)", "r ~= nil")
case("alloc_aligned_free", {64}, "local r", "r = lib.bl_alloc_aligned(n, 4096) lib.bl_free(r)",
    "r ~= nil and tonumber(ffi.cast('uintptr_t', r)) % n == 0")

local square = "local data, result = values_of(n * n), values_of(n * n)"
case("matmul", {2, 4, 8, 16, 32, 64}, square, "lib.bl_matmul(data, data, result, n)", "result[0] == first_of_product(data, n)")
case("matmul_copied", {16}, square .. " local all = n * n",
    "local a, b, c = ffi.new(doubles, all), ffi.new(doubles, all), ffi.new(doubles, all) " ..
    "ffi.copy(a, data, 8 * all) ffi.copy(b, data, 8 * all) lib.bl_matmul(a, b, c, n) ffi.copy(result, c, 8 * all)",
    "result[0] == first_of_product(data, n)")
case("dot", {1024}, values, "r = lib.bl_dot(data, data, n)", "r == squares_of(data, n)")
case("dot_copied", {1024}, values,
    "local a, b = ffi.new(doubles, n), ffi.new(doubles, n) " ..
    "ffi.copy(a, data, 8 * n) ffi.copy(b, data, 8 * n) r = lib.bl_dot(a, b, n)", "r == squares_of(data, n)")
case("vector_add", {16, 256, 4096, 65536}, "local data, result = values_of(n), values_of(n)",
    "lib.bl_vector_add(data, data, result, n)", "result[n - 1] == 2 * data[n - 1]")
case("vector_add_copied", {4096}, "local data, result = values_of(n), values_of(n)",
    "local a, b, c = ffi.new(doubles, n), ffi.new(doubles, n), ffi.new(doubles, n) " ..
    "ffi.copy(a, data, 8 * n) ffi.copy(b, data, 8 * n) lib.bl_vector_add(a, b, c, n) ffi.copy(result, c, 8 * n)",
    "result[n - 1] == 2 * data[n - 1]")
case("norm", {1024}, values, "r = lib.bl_norm(data, n)", "r == math.sqrt(squares_of(data, n))")
case("norm_copied", {1024}, values,
    "local copy = ffi.new(doubles, n) ffi.copy(copy, data, 8 * n) r = lib.bl_norm(copy, n)",
    "r == math.sqrt(squares_of(data, n))")
case("pairs", {4, 16, 64, 256}, values, "r = lib.bl_pairs(data, n)", "r == pairs_of(data, n)")
case("pairs_copied", {64}, values,
    "local copy = ffi.new(doubles, n) ffi.copy(copy, data, 8 * n) r = lib.bl_pairs(copy, n)", "r == pairs_of(data, n)")

-- The 100 targets in turn: k of this iteration, then that of the next.
local step = " k = k + 37 if k >= 100 then k = k - 100 end"
case("target", {false}, "local k, r = 0", "r = lib.bl_target(k, 1)" .. step, "r == 1 and k == 37")
-- Functions of a library have a type each, so that a trace is of one of them: those of a table stay interpreted.
case("dispatch_dict", {false}, "local k, r = 0", "r = targets[k](1)" .. step, "r == 1 and k == 37")
local chain = {}
for k = 0, 99 do
    chain[#chain + 1] = ("%s k == %d then r = lib.bl_target_%02d(1)"):format(k == 0 and "if" or "elseif", k, k)
end
case("dispatch_ifelse", {false}, "local k, r = 0", table.concat(chain, " ") .. " end" .. step, "r == 1 and k == 37")

-- The functions that set up and check.
local helpers = [[
local ffi, lib, targets, n = ...
local doubles, integers = ffi.typeof("double[?]"), ffi.typeof("int32_t[?]")
local chars, octets = ffi.typeof("char[?]"), ffi.typeof("uint8_t[?]")
local function text_of(size)
    return (("abcdefghijklmnopqrstuvwxyz"):rep(size / 26 + 1):sub(1, size))
end
local function values_of(size)
    local data = ffi.new(doubles, size)
    for i = 0, size - 1 do data[i] = i % 7 * 0.5 end
    return data
end
local function sum_of(data, size, stride)
    local sum = 0
    for i = 0, size - 1 do sum = sum + data[i * stride] end
    return sum
end
local function squares_of(data, size)
    local sum = 0
    for i = 0, size - 1 do sum = sum + data[i] * data[i] end
    return sum
end
local function first_of_product(data, size)
    local sum = 0
    for k = 0, size - 1 do sum = sum + data[k] * data[k * size] end
    return sum
end
local function pairs_of(data, size)
    local sum = 0
    for i = 0, size - 1 do
        for j = i + 1, size - 1 do sum = sum + math.abs(data[i] - data[j]) end
    end
    return sum
end
]]

-- From a case: its loop, a function of the number of iterations; and what checks the last of them.
local function make(one, ffi, lib, targets)
    local source = helpers .. one.setup .. "\nlocal function run(count)\nfor _ = 1, count do\n" .. one.body ..
        "\nend\nend\nlocal function right()\nreturn " .. one.right .. "\nend\nreturn run, right\n"
    local run, right = assert(loadstring(source, "=" .. one.bench))(ffi, lib, targets, one.n)
    if one.back then
        jit.off(run)
    end
    return run, right
end

return {list = list, make = make}
