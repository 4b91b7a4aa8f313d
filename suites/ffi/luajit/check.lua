-- SPDX-License-Identifier: MIT
-- The jobs `check` and `verify` of the side in LuaJIT: lines of vectors.txt from standard input, each with the result that it
-- got here; or whether they are those that the file has.
local ffi, lib, targets

local function split(text, separator)
    local parts = {}
    for part in (text .. separator):gmatch("(.-)" .. separator) do
        parts[#parts + 1] = part
    end
    return parts
end

-- 64 bits: a number of Lua has 53.
local function natural(text)
    local value = 0ULL
    for digit in text:gmatch("%d") do
        value = value * 10 + tonumber(digit)
    end
    return text:sub(1, 1) == "-" and -ffi.cast("int64_t", value) or value
end

local function integer(text)
    return ffi.cast("int64_t", natural(text))
end

local function bytes(text)
    return text == "-" and "" or (text:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function array(text)
    local parts = text == "-" and {} or split(text, ",")
    local values = ffi.new("double[?]", #parts)
    for i, part in ipairs(parts) do
        values[i - 1] = tonumber(part)
    end
    return values, #parts
end

local function say_integer(value)
    return (tostring(value):gsub("U?LL$", ""))
end

local function say_double(value)
    local both = ffi.new("union { double value; uint64_t bits; }", value)
    return value ~= value and "nan" or bit.tohex(both.bits)
end

local function say_float(value)
    local both = ffi.new("union { float value; uint32_t bits; }", value)
    return value ~= value and "nan" or bit.tohex(both.bits)
end

local function say_bytes(text)
    return text == "" and "-" or (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function say_array(values, n, say)
    local parts = {}
    for i = 0, n - 1 do
        parts[#parts + 1] = (say or say_double)(values[i])
    end
    return n == 0 and "-" or table.concat(parts, ",")
end

local function truth(text)
    return text == "true"
end

-- A function of values alone: how its arguments are read, and its result said.
local function simple(name, say, ...)
    local read = {...}
    return function(args)
        local given = {}
        for i = 1, #read do
            given[i] = read[i](args[i])
        end
        return say(lib["bl_" .. name](unpack(given)))
    end
end

local function memory(pointer, alignment, size)
    if pointer == nil then
        return "null"
    end
    ffi.fill(pointer, size, 0xa5)
    local last = ffi.cast("uint8_t *", pointer)[size - 1]
    local fine = last == 0xa5 and ffi.cast("uintptr_t", pointer) % alignment == 0
    lib.bl_free(pointer)
    return fine and "ok" or "wrong"
end

-- A callback is released as soon as it was used: there is room for some hundreds.
local function with_callback(kind, f, use)
    local callback = ffi.cast(kind, f)
    local result = use(callback)
    callback:free()
    return result
end

local n = tonumber
local calls = {
    noop = function() lib.bl_noop() return "done" end,
    add_i32_checked = function(a)
        local sum = ffi.new("int32_t[1]")
        local fine = lib.bl_add_i32_checked(n(a[1]), n(a[2]), sum)
        return tostring(fine) .. " " .. sum[0]
    end,
    add_i64_checked = function(a)
        local sum = ffi.new("int64_t[1]")
        local fine = lib.bl_add_i64_checked(integer(a[1]), integer(a[2]), sum)
        return tostring(fine) .. " " .. say_integer(sum[0])
    end,
    str_identity = function(a) return say_bytes(ffi.string(lib.bl_str_identity(bytes(a[1])))) end,
    str_concat = function(a)
        local both = lib.bl_str_concat(bytes(a[1]), bytes(a[2]))
        local text = ffi.string(both)
        lib.bl_free(both)
        return say_bytes(text)
    end,
    bytes_count_nul = function(a)
        local data = bytes(a[1])
        return say_integer(lib.bl_bytes_count_nul(ffi.cast("const uint8_t *", data), #data))
    end,
    array_sum = function(a) return say_double(lib.bl_array_sum(array(a[1]))) end,
    array_scale = function(a)
        local values, size = array(a[1])
        lib.bl_array_scale(values, size, n(a[2]))
        return say_array(values, size)
    end,
    array_sum_strided = function(a)
        local values = array(a[1])
        return say_double(lib.bl_array_sum_strided(values, n(a[2]), n(a[3])))
    end,
    array_fill_i32 = function(a)
        local values = ffi.new("int32_t[?]", n(a[1]))
        lib.bl_array_fill_i32(values, n(a[1]), n(a[2]))
        return say_array(values, n(a[1]), say_integer)
    end,
    point_add = function(a)
        local point = ffi.typeof("struct bl_point")
        local sum = lib.bl_point_add(point(n(a[1]), n(a[2])), point(n(a[3]), n(a[4])))
        return say_double(sum.x) .. " " .. say_double(sum.y)
    end,
    point_norm2 = function(a) return say_double(lib.bl_point_norm2(ffi.new("struct bl_point", n(a[1]), n(a[2])))) end,
    record_sum = function(a)
        local record = ffi.new("struct bl_record", {id = integer(a[1]), name = bytes(a[4])})
        ffi.copy(record.values, (array(a[2])), 64)
        local counts = array(a[3])
        for i = 0, 5 do
            record.counts[i] = counts[i]
        end
        return say_double(lib.bl_record_sum(record))
    end,
    block_make = function(a) return say_array(lib.bl_block_make(natural(a[1])).words, 16, say_integer) end,
    callback_once = function(a)
        return with_callback("int32_t (*)(int32_t)", function(x) return x + 1 end,
            function(f) return say_integer(lib.bl_callback_once(f, n(a[1]))) end)
    end,
    callback_iterate = function(a)
        local sum, stop = 0, n(a[2])
        local function until_stop(i)
            sum = sum + tonumber(i)
            return tonumber(i) + 1 ~= stop
        end
        return with_callback("bool (*)(size_t, void *)", until_stop,
            function(f) return say_integer(lib.bl_callback_iterate(f, n(a[1]), nil)) .. " " .. sum end)
    end,
    callback_transform = function(a)
        local values, size = array(a[1])
        return with_callback("double (*)(double)", function(x) return -x end, function(f)
            lib.bl_callback_transform(values, size, f)
            return say_array(values, size)
        end)
    end,
    alloc = function(a) return memory(lib.bl_alloc(natural(a[1])), 1, natural(a[1])) end,
    alloc_aligned = function(a)
        return memory(lib.bl_alloc_aligned(natural(a[1]), natural(a[2])), natural(a[1]), natural(a[2]))
    end,
    matmul = function(a)
        local size = n(a[1])
        local result = ffi.new("double[?]", size * size)
        lib.bl_matmul((array(a[2])), (array(a[3])), result, size)
        return say_array(result, size * size)
    end,
    dot = function(a) return say_double(lib.bl_dot((array(a[1])), array(a[2]))) end,
    vector_add = function(a)
        local one, size = array(a[1])
        local result = ffi.new("double[?]", size)
        lib.bl_vector_add(one, (array(a[2])), result, size)
        return say_array(result, size)
    end,
    norm = function(a) return say_double(lib.bl_norm(array(a[1]))) end,
    pairs = function(a) return say_double(lib.bl_pairs(array(a[1]))) end,
    targets = function(a)
        local results = {}
        for number = 0, 99 do
            results[number] = targets[number](n(a[1]))
        end
        return say_array(results, 100, say_integer)
    end,
}

local function add_simple()
    local mixed = {}
    for i = 1, 12 do
        mixed[i] = n
    end
    for name, row in pairs({
        return_int = {say_integer}, return_int64 = {say_integer}, return_bool = {tostring}, return_double = {say_double},
        add_i32 = {say_integer, n, n}, add_i64 = {say_integer, integer, integer}, add_u32 = {say_integer, n, n},
        add_u64 = {say_integer, natural, natural}, add_f32 = {say_float, n, n}, add_f64 = {say_double, n, n},
        mul_f64 = {say_double, n, n}, mul_i32 = {say_integer, n, n}, mul_i64 = {say_integer, integer, integer},
        ["and"] = {tostring, truth, truth}, ["not"] = {tostring, truth},
        xor_u64 = {say_integer, natural, natural}, str_length = {say_integer, bytes},
        str_length_utf8 = {say_integer, bytes}, args_8i = {say_integer, n, n, n, n, n, n, n, n},
        args_12mixed = {say_double, unpack(mixed)}, target = {say_integer, n, n},
    }) do
        calls[name] = simple(name, unpack(row))
    end
end

-- For each line that has a call: use(line, call, its result), until that returns false. The exit code.
local function each(lines, use)
    for line in lines do
        if line ~= "" and line:sub(1, 1) ~= "#" then
            local call = line:match("^(.-) =") or line
            local args = split(call, " ")
            local name = table.remove(args, 1)
            if not calls[name] then
                io.stderr:write(name, ": unknown\n")
                return 1
            elseif not use(line, call, calls[name](args)) then
                return 1
            end
        end
    end
    return 0
end

local function check()
    local code = each(io.lines(), function(_, call, result)
        return io.write(call, " = ", result, "\n")
    end)
    return io.stdout:flush() and code or 2
end

local function verify(path)
    local file, why = io.open(path)
    if not file then
        io.stderr:write(why, "\n")
        return 2
    end
    return each(file:lines(), function(line, call, result)
        local got = call .. " = " .. result
        return got == line or not io.stderr:write("it gives ", got, ", where vectors.txt has ", line, "\n")
    end)
end

-- The exit code. Without a path it is `check`.
return function(path, ...)
    ffi, lib, targets = ...
    add_simple()
    if path then
        return verify(path)
    end
    return check()
end
