# SPDX-License-Identifier: MIT
"""The bindings that are modules made for benchlib: by the C API, pybind11, and PyO3. All three offer the same functions."""
import cases

ARGS_8I = "f(1, 2, 3, 4, 5, 6, 7, 8)"
ARGS_12MIXED = "f(1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0, 9, 10.0, 11, 12.0)"


class Native:
    TEXTS = {
        "noop": ("f()", None),
        "return_int": ("f()", None),
        "return_int64": ("f()", None),
        "return_bool": ("f()", None),
        "return_double": ("f()", None),
        "add_i32": ("f(a, b)", None),
        "add_i64": ("f(a, b)", None),
        "add_u32": ("f(a, b)", None),
        "add_u64": ("f(a, b)", None),
        "add_f32": ("f(a, b)", None),
        "add_f64": ("f(a, b)", None),
        "mul_f64": ("f(a, b)", None),
        "mul_i32": ("f(a, b)", None),
        "mul_i64": ("f(a, b)", None),
        "add_i32_checked": ("r, s = f(a, b)", "(r, s)"),
        "add_i64_checked": ("r, s = f(a, b)", "(r, s)"),
        "and": ("f(a, b)", None),
        "not": ("f(a)", None),
        "xor_u64": ("f(a, b)", None),
        "str_length": ("f(s)", None),
        "str_length_copied": ("f(u)", None),
        "str_length_utf8": ("f(s)", None),
        "str_length_utf8_copied": ("f(u)", None),
        "str_identity": ("r = f(s)", "text_at(r)"),
        "str_identity_copied": ("f(u)", None),
        "str_concat": ("f(s, s)", None),
        "bytes_count_nul": ("f(s)", None),
        "bytes_count_nul_copied": ("f(s)", None),
        "array_sum": ("f(v)", None),
        "array_sum_copied": ("f(v)", None),
        "array_sum_list": ("f(l)", None),
        "array_scale": ("f(v, by)", None),
        "array_scale_copied": ("f(v, by)", None),
        "array_sum_strided": ("f(v, n, stride)", None),
        "array_sum_strided_copied": ("f(v, n, stride)", None),
        "array_fill_i32": ("f(v, by)", None),
        "array_fill_i32_copied": ("f(v, by)", None),
        "point_add": ("p = f(a, b)\np.x\np.y", "(p.x, p.y)"),
        "point_norm2": ("f(a)", None),
        "point_norm2_copied": ("f(a)", None),
        "record_sum": ("f(a)", None),
        "record_sum_copied": ("f(a)", None),
        "block_make": ("f(seed)[15]", None),
        "callback_once": ("f(g, x)", None),
        "callback_iterate": ("f(g, n)", None),
        "callback_iterate_stop": ("f(g, n)", None),
        "callback_transform": ("f(v, g)", None),
        "alloc_free": ("p = f(n)\nfree(p)", "p"),
        "alloc_aligned_free": ("p = f(n, size)\nfree(p)", "p"),
        "matmul": ("f(v, w, c, n)", None),
        "matmul_copied": ("f(v, w, c, n)", None),
        "dot": ("f(v, w)", None),
        "dot_copied": ("f(v, w)", None),
        "vector_add": ("f(v, w, c)", None),
        "vector_add_copied": ("f(v, w, c)", None),
        "norm": ("f(v)", None),
        "norm_copied": ("f(v)", None),
        "pairs": ("f(v)", None),
        "pairs_copied": ("f(v)", None),
        "args_8i": (ARGS_8I, None),
        "args_12mixed": (ARGS_12MIXED, None),
        "target": ("r = f(k, x)\n" + cases.STEP, "r"),
    }
    # By what they are called where that is not the benchmark's name.
    FUNCTIONS = {
        "and": "and_",
        "not": "not_",
        "callback_iterate_stop": "callback_iterate",
        "alloc_free": "alloc",
        "alloc_aligned_free": "alloc_aligned",
    }

    def __init__(self, lib):
        self.lib = lib

    def target_function(self, number):
        return getattr(self.lib, "target_%02d" % number)

    def names(self, bench, n, inputs):
        name = self.FUNCTIONS.get(bench, bench)
        if bench.endswith("_numpy") and not hasattr(self.lib, name):
            name = cases.base(bench)  # which takes all that has the buffer protocol
        names = {"f": getattr(self.lib, name)}
        if bench == "str_identity":
            names.update(text_at=text_at)
        elif bench in ("alloc_free", "alloc_aligned_free"):
            names.update(free=self.lib.free)
        elif bench == "point_add":
            names.update(a=self.lib.Point(1.5, 2.5), b=self.lib.Point(10.0, 20.0))
        elif bench in ("point_norm2", "point_norm2_copied"):
            names.update(a=self.lib.Point(3.0, 4.0))
        elif bench in ("record_sum", "record_sum_copied"):
            names.update(a=self.lib.Record(*cases.RECORD))
        elif bench == "callback_once":
            names.update(g=cases.increment)
        elif bench == "callback_iterate":
            names.update(g=cases.always)
        elif bench == "callback_iterate_stop":
            names.update(g=cases.until_nine)
        elif bench == "callback_transform":
            names.update(g=cases.negate)
        return names

    # For check.py, where the functions are not as it needs them.
    def str_identity(self, text):
        return text_at(self.lib.str_identity(text)).encode()

    def str_concat(self, a, b):
        return self.lib.str_concat(a, b).encode()

    def point_add(self, ax, ay, bx, by):
        point = self.lib.point_add(self.lib.Point(ax, ay), self.lib.Point(bx, by))
        return point.x, point.y

    def point_norm2(self, x, y):
        return self.lib.point_norm2(self.lib.Point(x, y))

    def record_sum(self, *fields):
        return self.lib.record_sum(self.lib.Record(*fields))

    def block_make(self, seed):
        return list(self.lib.block_make(seed))

    def __getattr__(self, name):
        return getattr(self.lib, name)


Native.TEXTS.update((name + "_numpy", Native.TEXTS[name]) for name in cases.NUMPY)


def text_at(address):
    import ctypes
    return ctypes.string_at(address).decode()
