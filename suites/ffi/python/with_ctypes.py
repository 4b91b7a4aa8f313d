# SPDX-License-Identifier: MIT
"""benchlib by ctypes, as its manual says: CDLL, which lets go of the interpreter's lock for each call, and argtypes for all."""
import re

import cases

from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char, c_char_p, c_double, c_float, c_int32, c_int64,
                    c_size_t, c_uint32, c_uint64, c_ubyte, c_void_p, memmove, sizeof, string_at)

from native import Native

DOUBLES = POINTER(c_double)


class Point(Structure):
    _fields_ = [("x", c_double), ("y", c_double)]


class Record(Structure):
    _fields_ = [("id", c_int64), ("values", c_double * 8), ("counts", c_int32 * 6), ("name", c_char * 16)]


class Block(Structure):
    _fields_ = [("words", c_uint64 * 16)]


ONCE = CFUNCTYPE(c_int32, c_int32)
ITERATE = CFUNCTYPE(c_bool, c_size_t, c_void_p)
TRANSFORM = CFUNCTYPE(c_double, c_double)

# function: (result, arguments)
PROTOTYPES = {
    "noop": (None,),
    "return_int": (c_int32,),
    "return_int64": (c_int64,),
    "return_bool": (c_bool,),
    "return_double": (c_double,),
    "add_i32": (c_int32, c_int32, c_int32),
    "add_i64": (c_int64, c_int64, c_int64),
    "add_u32": (c_uint32, c_uint32, c_uint32),
    "add_u64": (c_uint64, c_uint64, c_uint64),
    "add_f32": (c_float, c_float, c_float),
    "add_f64": (c_double, c_double, c_double),
    "mul_f64": (c_double, c_double, c_double),
    "mul_i32": (c_int32, c_int32, c_int32),
    "mul_i64": (c_int64, c_int64, c_int64),
    "add_i32_checked": (c_bool, c_int32, c_int32, POINTER(c_int32)),
    "add_i64_checked": (c_bool, c_int64, c_int64, POINTER(c_int64)),
    "and": (c_bool, c_bool, c_bool),
    "not": (c_bool, c_bool),
    "xor_u64": (c_uint64, c_uint64, c_uint64),
    "str_length": (c_size_t, c_char_p),
    "str_length_utf8": (c_size_t, c_char_p),
    "str_identity": (c_void_p, c_char_p),
    "str_concat": (c_void_p, c_char_p, c_char_p),
    "bytes_count_nul": (c_size_t, c_char_p, c_size_t),
    "array_sum": (c_double, DOUBLES, c_size_t),
    "array_scale": (None, DOUBLES, c_size_t, c_double),
    "array_sum_strided": (c_double, DOUBLES, c_size_t, c_size_t),
    "array_fill_i32": (None, POINTER(c_int32), c_size_t, c_int32),
    "point_add": (Point, Point, Point),
    "point_norm2": (c_double, POINTER(Point)),
    "record_sum": (c_double, POINTER(Record)),
    "block_make": (Block, c_uint64),
    "callback_once": (c_int32, ONCE, c_int32),
    "callback_iterate": (c_size_t, ITERATE, c_size_t, c_void_p),
    "callback_transform": (None, DOUBLES, c_size_t, TRANSFORM),
    "alloc": (c_void_p, c_size_t),
    "alloc_aligned": (c_void_p, c_size_t, c_size_t),
    "free": (None, c_void_p),
    "matmul": (None, DOUBLES, DOUBLES, DOUBLES, c_size_t),
    "dot": (c_double, DOUBLES, DOUBLES, c_size_t),
    "vector_add": (None, DOUBLES, DOUBLES, DOUBLES, c_size_t),
    "norm": (c_double, DOUBLES, c_size_t),
    "pairs": (c_double, DOUBLES, c_size_t),
    "args_8i": (c_int64,) + (c_int32,) * 8,
    "args_12mixed": (c_double,) + (c_int32, c_double) * 6,
    "target": (c_int32, c_int32, c_int32),
}


class Ctypes:
    TEXTS = dict(
        Native.TEXTS,
        **{
            "add_i32_checked": ("r = f(a, b, byref(sum))\nsum.value", "(r, sum.value)"),
            "add_i64_checked": ("r = f(a, b, byref(sum))\nsum.value", "(r, sum.value)"),
            "str_length_copied": ("f(u.encode())", None),
            "str_length_utf8_copied": ("f(u.encode())", None),
            "str_identity": ("r = f(s)", "string_at(r).decode()"),
            "str_identity_copied": ("f(u.encode()).decode()", None),
            "str_concat": ("p = f(s, s)\nr = string_at(p).decode()\nfree(p)", "r"),
            "bytes_count_nul": ("f(s, n)", None),
            "bytes_count_nul_copied": ("f(A.from_buffer_copy(s), n)", None),
            "array_sum": ("f(A.from_buffer(v), n)", None),
            "array_sum_copied": ("f(A.from_buffer_copy(v), n)", None),
            "array_sum_list": ("f(A(*l), n)", None),
            "array_scale": ("f(A.from_buffer(v), n, by)", None),
            "array_scale_copied": ("d = A.from_buffer_copy(v)\nf(d, n, by)\nmemmove(A.from_buffer(v), d, size)", "None"),
            "array_sum_strided": ("f(A.from_buffer(v), n, stride)", None),
            "array_sum_strided_copied": ("f(A.from_buffer_copy(v), n, stride)", None),
            "array_fill_i32": ("f(A.from_buffer(v), n, by)", None),
            "array_fill_i32_copied": ("d = A()\nf(d, n, by)\nmemmove(A.from_buffer(v), d, size)", "None"),
            "point_norm2_copied": ("f(S.from_buffer_copy(a))", None),
            "record_sum_copied": ("f(S.from_buffer_copy(a))", None),
            "block_make": ("f(seed).words[15]", None),
            "callback_iterate": ("f(g, n, None)", None),
            "callback_iterate_stop": ("f(g, n, None)", None),
            "callback_transform": ("f(A.from_buffer(v), n, g)", None),
            "matmul": ("f(A.from_buffer(v), A.from_buffer(w), A.from_buffer(c), n)", None),
            "matmul_copied": ("d = A()\nf(A.from_buffer_copy(v), A.from_buffer_copy(w), d, n)\n"
                              "memmove(A.from_buffer(c), d, size)", "None"),
            "dot": ("f(A.from_buffer(v), A.from_buffer(w), n)", None),
            "dot_copied": ("f(A.from_buffer_copy(v), A.from_buffer_copy(w), n)", None),
            "vector_add": ("f(A.from_buffer(v), A.from_buffer(w), A.from_buffer(c), n)", None),
            "vector_add_copied": ("d = A()\nf(A.from_buffer_copy(v), A.from_buffer_copy(w), d, n)\n"
                                  "memmove(A.from_buffer(c), d, size)", "None"),
            "norm": ("f(A.from_buffer(v), n)", None),
            "norm_copied": ("f(A.from_buffer_copy(v), n)", None),
            "pairs": ("f(A.from_buffer(v), n)", None),
            "pairs_copied": ("f(A.from_buffer_copy(v), n)", None),
        })
    TEXTS.update([(name + "_numpy", (re.sub(r"A\.from_buffer\((\w)\)", r"\1", text[0]), text[1]))
                  for name, text in TEXTS.items() if name in cases.NUMPY])
    FUNCTIONS = Native.FUNCTIONS

    def __init__(self, path):
        self.lib = CDLL(path)

    def function(self, name, prototype=None):
        """A new one for each call: types can be set without others seeing it."""
        function = self.lib["bl_" + name]
        prototype = prototype or PROTOTYPES[name]
        function.restype = prototype[0]
        function.argtypes = list(prototype[1:])
        return function

    def target_function(self, number):
        return self.function("target_%02d" % number, (c_int32, c_int32))

    def names(self, bench, n, inputs):
        name = self.FUNCTIONS.get(bench, cases.base(bench)).rstrip("_")
        f = self.function(name)
        names = {"f": f}
        if "v" in inputs:
            names.update(A=(c_int32 if cases.base(bench) == "array_fill_i32" else c_double) * len(inputs["v"]))
        if bench == "add_i32_checked":
            names.update(byref=byref, sum=c_int32())
        elif bench == "add_i64_checked":
            names.update(byref=byref, sum=c_int64())
        elif bench == "str_identity":
            names.update(string_at=string_at)
        elif bench == "str_identity_copied":
            f.restype = c_char_p
        elif bench == "str_concat":
            names.update(string_at=string_at, free=self.function("free"))
        elif bench == "bytes_count_nul_copied":
            names.update(A=c_ubyte * n)
            f.argtypes = [POINTER(c_ubyte), c_size_t]
        elif bench.endswith("_numpy"):
            cases.numpy()
            from numpy.ctypeslib import ndpointer
            arrays = {DOUBLES: ndpointer(dtype="float64", ndim=1, flags="C_CONTIGUOUS"),
                      POINTER(c_int32): ndpointer(dtype="int32", ndim=1, flags="C_CONTIGUOUS")}
            f.argtypes = [arrays.get(argument, argument) for argument in f.argtypes]
        elif bench in ("array_scale_copied", "array_fill_i32_copied", "matmul_copied", "vector_add_copied"):
            names.update(memmove=memmove, size=sizeof(names["A"]))
        elif bench == "point_add":
            names.update(a=Point(1.5, 2.5), b=Point(10, 20))
        elif bench in ("point_norm2", "point_norm2_copied"):
            names.update(a=Point(3, 4), S=Point)
        elif bench in ("record_sum", "record_sum_copied"):
            names.update(a=record(*cases.RECORD), S=Record)
        elif bench == "callback_once":
            names.update(g=ONCE(cases.increment))
        elif bench == "callback_iterate":
            names.update(g=ITERATE(lambda i, user: True))
        elif bench == "callback_iterate_stop":
            names.update(g=ITERATE(lambda i, user: i != 9))
        elif bench == "callback_transform":
            names.update(g=TRANSFORM(cases.negate))
        elif bench in ("alloc_free", "alloc_aligned_free"):
            names.update(free=self.function("free"))
        return names

    # For check.py.
    def __getattr__(self, name):
        if name.startswith("target_"):
            return self.target_function(int(name[len("target_"):]))
        return self.function(name.rstrip("_"))

    def view(self, values):
        if not len(values):
            return None
        return ((c_int32 if values.typecode == "i" else c_double) * len(values)).from_buffer(values)

    def add_i32_checked(self, a, b):
        total = c_int32()
        return self.function("add_i32_checked")(a, b, byref(total)), total.value

    def add_i64_checked(self, a, b):
        total = c_int64()
        return self.function("add_i64_checked")(a, b, byref(total)), total.value

    def str_identity(self, text):
        return string_at(self.function("str_identity")(text))

    def str_concat(self, a, b):
        memory = self.function("str_concat")(a, b)
        text = string_at(memory)
        self.function("free")(memory)
        return text

    def bytes_count_nul(self, data):
        return self.function("bytes_count_nul")(data, len(data))

    def array_sum(self, values):
        return self.function("array_sum")(self.view(values), len(values))

    def array_scale(self, values, by):
        self.function("array_scale")(self.view(values), len(values), by)

    def array_sum_strided(self, values, n, stride):
        return self.function("array_sum_strided")(self.view(values), n, stride)

    def array_fill_i32(self, values, value):
        self.function("array_fill_i32")(self.view(values), len(values), value)

    def point_add(self, ax, ay, bx, by):
        point = self.function("point_add")(Point(ax, ay), Point(bx, by))
        return point.x, point.y

    def point_norm2(self, x, y):
        return self.function("point_norm2")(Point(x, y))

    def record_sum(self, *fields):
        return self.function("record_sum")(record(*fields))

    def block_make(self, seed):
        return list(self.function("block_make")(seed).words)

    def callback_once(self, f, x):
        return self.function("callback_once")(ONCE(f), x)

    def callback_iterate(self, f, n):
        return self.function("callback_iterate")(ITERATE(lambda i, user: f(i)), n, None)

    def callback_transform(self, values, f):
        self.function("callback_transform")(self.view(values), len(values), TRANSFORM(f))

    def alloc(self, size):
        return self.function("alloc")(size) or 0

    def alloc_aligned(self, alignment, size):
        return self.function("alloc_aligned")(alignment, size) or 0

    def matmul(self, a, b, c, n):
        self.function("matmul")(self.view(a), self.view(b), self.view(c), n)

    def dot(self, a, b):
        return self.function("dot")(self.view(a), self.view(b), len(a))

    def vector_add(self, a, b, c):
        self.function("vector_add")(self.view(a), self.view(b), self.view(c), len(a))

    def norm(self, a):
        return self.function("norm")(self.view(a), len(a))

    def pairs(self, a):
        return self.function("pairs")(self.view(a), len(a))


def record(number, values, counts, name):
    return Record(number, (c_double * 8)(*values), (c_int32 * 6)(*counts), name)
