# SPDX-License-Identifier: MIT
"""benchlib by cffi. ABI mode: the library is opened and called by libffi, the declarations were parsed at build time. API mode:
by a module that was compiled for it. Both let go of the interpreter's lock for each call, which cffi does for all.

What is called back is made once, before the loop: by ffi.callback() in ABI mode, by @ffi.def_extern() in API mode.
"""
import cases

from native import Native


class Cffi:
    TEXTS = dict(
        Native.TEXTS,
        **{
            "add_i32_checked": ("r = f(a, b, sum)\nsum[0]", "(r, sum[0])"),
            "add_i64_checked": ("r = f(a, b, sum)\nsum[0]", "(r, sum[0])"),
            "str_length_copied": ("f(u.encode())", None),
            "str_length_utf8_copied": ("f(u.encode())", None),
            "str_identity": ("r = f(s)", "string(r).decode()"),
            "str_identity_copied": ("e = u.encode()\nr = string(f(e)).decode()", "r"),
            "str_concat": ("p = f(s, s)\nr = string(p).decode()\nfree(p)", "r"),
            "bytes_count_nul": ("f(s, n)", None),
            "bytes_count_nul_copied": ("f(new(B, s), n)", None),
            "array_sum": ("f(view(D, v), n)", None),
            "array_sum_copied": ("d = new(D, n)\nmove(d, v, size)\nr = f(d, n)", "r"),
            "array_sum_list": ("f(l, n)", None),
            "array_scale": ("f(view(D, v), n, by)", None),
            "array_scale_copied": ("d = new(D, n)\nmove(d, v, size)\nf(d, n, by)\nmove(v, d, size)", "None"),
            "array_sum_strided": ("f(view(D, v), n, stride)", None),
            "array_sum_strided_copied": ("d = new(D, n * stride)\nmove(d, v, size)\nr = f(d, n, stride)", "r"),
            "array_fill_i32": ("f(view(I, v), n, by)", None),
            "array_fill_i32_copied": ("d = new(I, n)\nf(d, n, by)\nmove(v, d, size)", "None"),
            "point_norm2_copied": ("f(new(S, a[0]))", None),
            "record_sum_copied": ("f(new(S, a[0]))", None),
            "block_make": ("f(seed).words[15]", None),
            "callback_iterate": ("f(g, n, NULL)", None),
            "callback_iterate_stop": ("f(g, n, NULL)", None),
            "callback_transform": ("f(view(D, v), n, g)", None),
            "alloc_free": ("p = f(n)\nfree(p)", "address(p)"),
            "alloc_aligned_free": ("p = f(n, size)\nfree(p)", "address(p)"),
            "matmul": ("f(view(D, v), view(D, w), view(D, c), n)", None),
            "matmul_copied": ("d = new(D, n * n)\nmove(d, v, size)\ne = new(D, n * n)\nmove(e, w, size)\no = new(D, n * n)\n"
                              "f(d, e, o, n)\nmove(c, o, size)", "None"),
            "dot": ("f(view(D, v), view(D, w), n)", None),
            "dot_copied": ("d = new(D, n)\nmove(d, v, size)\ne = new(D, n)\nmove(e, w, size)\nr = f(d, e, n)", "r"),
            "vector_add": ("f(view(D, v), view(D, w), view(D, c), n)", None),
            "vector_add_copied": ("d = new(D, n)\nmove(d, v, size)\ne = new(D, n)\nmove(e, w, size)\no = new(D, n)\n"
                                  "f(d, e, o, n)\nmove(c, o, size)", "None"),
            "norm": ("f(view(D, v), n)", None),
            "norm_copied": ("d = new(D, n)\nmove(d, v, size)\nr = f(d, n)", "r"),
            "pairs": ("f(view(D, v), n)", None),
            "pairs_copied": ("d = new(D, n)\nmove(d, v, size)\nr = f(d, n)", "r"),
        })
    TEXTS.update([(name + "_numpy", text) for name, text in TEXTS.items() if name in cases.NUMPY])
    FUNCTIONS = Native.FUNCTIONS

    def __init__(self, ffi, lib, api):
        self.ffi = ffi
        self.lib = lib
        self.api = api
        self.doubles = ffi.typeof("double[]")
        self.integers = ffi.typeof("int32_t[]")

    def function(self, name):
        return getattr(self.lib, "bl_" + name)

    def target_function(self, number):
        return self.function("target_%02d" % number)

    def address(self, pointer):
        return int(self.ffi.cast("uintptr_t", pointer))

    def called(self, name, declaration, function):
        """A pointer to what calls the function; of each name one is there at a time in API mode."""
        if self.api:
            self.ffi.def_extern(name)(function)
            return getattr(self.lib, name)
        return self.ffi.callback(declaration, function)

    def names(self, bench, n, inputs):
        ffi = self.ffi
        name = self.FUNCTIONS.get(bench, cases.base(bench)).rstrip("_")
        names = {"f": self.function(name)}
        if "v" in inputs:
            names.update(view=ffi.from_buffer, D=self.doubles, I=self.integers)
        if bench == "add_i32_checked":
            names.update(sum=ffi.new("int32_t *"))
        elif bench == "add_i64_checked":
            names.update(sum=ffi.new("int64_t *"))
        elif bench in ("str_identity", "str_identity_copied"):
            names.update(string=ffi.string)
        elif bench == "str_concat":
            names.update(string=ffi.string, free=self.function("free"))
        elif bench == "bytes_count_nul_copied":
            names.update(new=ffi.new, B=ffi.typeof("uint8_t[]"))
        elif bench.endswith("_copied") and "v" in inputs:
            names.update(new=ffi.new, move=ffi.memmove, size=len(inputs["v"]) * inputs["v"].itemsize)
        elif bench == "point_add":
            names.update(a=ffi.new("struct bl_point *", (1.5, 2.5))[0], b=ffi.new("struct bl_point *", (10, 20))[0])
        elif bench in ("point_norm2", "point_norm2_copied"):
            names.update(a=ffi.new("struct bl_point *", (3, 4)), new=ffi.new, S=ffi.typeof("struct bl_point *"))
        elif bench in ("record_sum", "record_sum_copied"):
            names.update(a=self.record(*cases.RECORD), new=ffi.new, S=ffi.typeof("struct bl_record *"))
        elif bench == "callback_once":
            names.update(g=self.called("called_i32", "int32_t(int32_t)", cases.increment))
        elif bench == "callback_iterate":
            names.update(g=self.called("called_size", "bool(size_t, void *)", lambda i, user: True), NULL=ffi.NULL)
        elif bench == "callback_iterate_stop":
            names.update(g=self.called("called_size", "bool(size_t, void *)", lambda i, user: i != 9), NULL=ffi.NULL)
        elif bench == "callback_transform":
            names.update(g=self.called("called_f64", "double(double)", cases.negate))
        elif bench in ("alloc_free", "alloc_aligned_free"):
            names.update(free=self.function("free"), address=self.address)
        return names

    # For check.py.
    def __getattr__(self, name):
        if name.startswith("target_"):
            return self.target_function(int(name[len("target_"):]))
        return self.function(name.rstrip("_"))

    def view(self, values):
        return self.ffi.from_buffer(self.integers if values.typecode == "i" else self.doubles, values)

    def record(self, number, values, counts, name):
        return self.ffi.new("struct bl_record *", (number, values, counts, name))

    def add_i32_checked(self, a, b):
        total = self.ffi.new("int32_t *")
        return self.lib.bl_add_i32_checked(a, b, total), total[0]

    def add_i64_checked(self, a, b):
        total = self.ffi.new("int64_t *")
        return self.lib.bl_add_i64_checked(a, b, total), total[0]

    def str_identity(self, text):
        return self.ffi.string(self.lib.bl_str_identity(text))

    def str_concat(self, a, b):
        memory = self.lib.bl_str_concat(a, b)
        text = self.ffi.string(memory)
        self.lib.bl_free(memory)
        return text

    def bytes_count_nul(self, data):
        return self.lib.bl_bytes_count_nul(data, len(data))

    def array_sum(self, values):
        return self.lib.bl_array_sum(self.view(values), len(values))

    def array_scale(self, values, by):
        self.lib.bl_array_scale(self.view(values), len(values), by)

    def array_sum_strided(self, values, n, stride):
        return self.lib.bl_array_sum_strided(self.view(values), n, stride)

    def array_fill_i32(self, values, value):
        self.lib.bl_array_fill_i32(self.view(values), len(values), value)

    def point_add(self, ax, ay, bx, by):
        a, b = self.ffi.new("struct bl_point *", (ax, ay)), self.ffi.new("struct bl_point *", (bx, by))
        point = self.lib.bl_point_add(a[0], b[0])
        return point.x, point.y

    def point_norm2(self, x, y):
        return self.lib.bl_point_norm2(self.ffi.new("struct bl_point *", (x, y)))

    def record_sum(self, *fields):
        return self.lib.bl_record_sum(self.record(*fields))

    def block_make(self, seed):
        return list(self.lib.bl_block_make(seed).words)

    def callback_once(self, f, x):
        return self.lib.bl_callback_once(self.called("called_i32", "int32_t(int32_t)", f), x)

    def callback_iterate(self, f, n):
        called = self.called("called_size", "bool(size_t, void *)", lambda i, user: f(i))
        return self.lib.bl_callback_iterate(called, n, self.ffi.NULL)

    def callback_transform(self, values, f):
        called = self.called("called_f64", "double(double)", f)
        self.lib.bl_callback_transform(self.view(values), len(values), called)

    def alloc(self, size):
        return self.address(self.lib.bl_alloc(size))

    def alloc_aligned(self, alignment, size):
        return self.address(self.lib.bl_alloc_aligned(alignment, size))

    def free(self, address):
        self.lib.bl_free(self.ffi.cast("void *", address))

    def matmul(self, a, b, c, n):
        self.lib.bl_matmul(self.view(a), self.view(b), self.view(c), n)

    def dot(self, a, b):
        return self.lib.bl_dot(self.view(a), self.view(b), len(a))

    def vector_add(self, a, b, c):
        self.lib.bl_vector_add(self.view(a), self.view(b), self.view(c), len(a))

    def norm(self, a):
        return self.lib.bl_norm(self.view(a), len(a))

    def pairs(self, a):
        return self.lib.bl_pairs(self.view(a), len(a))
