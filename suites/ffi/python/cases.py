# SPDX-License-Identifier: MIT
"""The cases of the suite `ffi` (../README.md), as far as they are the same for all bindings: names, inputs, results.

How a binding makes the call is its own: it has a table `TEXTS` from the benchmark's name to (text, result), and a function
names(bench, n, inputs) for what the text refers to. `text` is what is timed. `result` is None if the text is an expression
whose value is the result; else the text is statements, and `result` is an expression to be evaluated behind them, for the check
alone.
"""
import array
import math

from harness import Call, Case, Failed, Skip

LIST = (
    [(name, ()) for name in (
        "noop", "return_int", "return_int64", "return_bool", "return_double",
        "add_i32", "add_i64", "add_u32", "add_u64", "add_f32", "add_f64", "mul_f64", "mul_i32", "mul_i64",
        "add_i32_checked", "add_i64_checked", "and", "not", "xor_u64")] +
    [("str_length", (16,)), ("str_length", (1024,)), ("str_length_copied", (16,)), ("str_length_copied", (1024,)),
     ("str_length_utf8", (16,)), ("str_length_utf8_copied", (16,)), ("str_identity", (16,)), ("str_identity_copied", (16,)),
     ("str_concat", (16,)),
     ("bytes_count_nul", (64,)), ("bytes_count_nul_copied", (64,))] +
    [("array_sum" + ending, (n,)) for ending in ("", "_copied", "_list", "_numpy") for n in (16, 4096)] +
    [("array_scale", (4096,)), ("array_scale_copied", (4096,)), ("array_sum_strided", (256,)), ("array_fill_i32", (4096,)),
     ("array_sum_strided_copied", (256,)), ("array_fill_i32_copied", (4096,)),
     ("point_add", ()), ("point_norm2", ()), ("point_norm2_copied", ()), ("record_sum", ()), ("record_sum_copied", ()),
     ("block_make", ()),
     ("callback_once", ()), ("callback_iterate", (100,)), ("callback_iterate_stop", (100,)), ("callback_transform", (100,)),
     ("alloc_free", (64,)), ("alloc_free", (65536,)), ("alloc_aligned_free", (64,))] +
    [("matmul", (n,)) for n in (2, 4, 8, 16, 32, 64)] +
    [("matmul_copied", (16,)), ("dot", (1024,)), ("dot_copied", (1024,))] +
    [("vector_add", (n,)) for n in (16, 256, 4096, 65536)] +
    [("vector_add_copied", (4096,)), ("norm", (1024,)), ("norm_copied", (1024,))] +
    [("pairs", (n,)) for n in (4, 16, 64, 256)] +
    [("pairs_copied", (64,))] +
    [("array_scale_numpy", (4096,)), ("array_sum_strided_numpy", (256,)), ("array_fill_i32_numpy", (4096,)),
     ("matmul_numpy", (16,)), ("dot_numpy", (1024,)), ("vector_add_numpy", (4096,)), ("norm_numpy", (1024,)),
     ("pairs_numpy", (64,))] +
    [("args_8i", ()), ("args_12mixed", ()), ("target", ()), ("dispatch_dict", ()), ("dispatch_ifelse", ())])

# What there is with NumPy's arrays, too.
NUMPY = ("array_sum", "array_scale", "array_sum_strided", "array_fill_i32", "matmul", "dot", "vector_add", "norm", "pairs")

TARGETS = 100
STEP = "k = (k + 37) % 100"

# The arguments a and b, and what is to come out.
SCALARS = {
    "return_int": ((), 42),
    "return_int64": ((), (1 << 40) + 7),
    "return_bool": ((), True),
    "return_double": ((), 2.5),
    "add_i32": ((40, 2), 42),
    "add_i64": ((1 << 40, 2), (1 << 40) + 2),
    "add_u32": (((1 << 32) - 1, 2), 1),
    "add_u64": ((1 << 63, 2), (1 << 63) + 2),
    "add_f32": ((1.5, 2.25), 3.75),
    "add_f64": ((1.5, 2.25), 3.75),
    "mul_f64": ((1.5, 2.25), 3.375),
    "mul_i32": ((65537, 65537), 131073),
    "mul_i64": ((1 << 40, 3), 3 << 40),
    "add_i32_checked": ((40, 2), (True, 42)),
    "add_i64_checked": ((1 << 40, 2), (True, (1 << 40) + 2)),
    "and": ((True, False), False),
    "not": ((True,), False),
    "xor_u64": (((1 << 63) + 1, 1), 1 << 63),
    "args_8i": ((), 36),
    "args_12mixed": ((), 78.0),
}

UMLAUTS = "äöü" * 2 + "äö"  # 8 characters, 16 bytes
RECORD = (7, tuple(i + 0.5 for i in range(8)), tuple(range(6)), b"benchlib")


def values(n):
    return array.array("d", [i % 7 * 0.5 for i in range(n)])


def letters(n):
    return "".join(chr(ord("a") + i % 26) for i in range(n))


def increment(x):
    return x + 1


def negate(x):
    return -x


def always(i):
    return True


def until_nine(i):
    return i != 9


def base(bench):
    for ending in ("_copied", "_list", "_numpy", "_stop"):
        if bench.endswith(ending):
            return bench[:-len(ending)]
    return bench


def inputs(bench, n):
    """What the benchmark is given, as Python's own objects; a new set for each."""
    kind = base(bench)
    names = {}
    if bench in SCALARS:
        names.update(zip("ab", SCALARS[bench][0]))
    elif kind.startswith("str_"):
        u = UMLAUTS if kind == "str_length_utf8" else letters(n)
        names.update(u=u, s=u.encode())
    elif kind == "bytes_count_nul":
        names.update(s=bytes(i % 4 for i in range(n)), n=n)
    elif kind == "array_sum_strided":
        names.update(v=values(4 * n), n=n, stride=4)
    elif kind == "array_fill_i32":
        names.update(v=array.array("i", bytes(4 * n)), n=n, by=7)
    elif kind == "matmul":
        names.update(v=values(n * n), w=values(n * n), c=array.array("d", bytes(8 * n * n)), n=n)
    elif kind in ("array_sum", "array_scale", "callback_transform", "dot", "norm", "pairs", "vector_add"):
        names.update(v=values(n), n=n)
        if kind == "array_scale":
            names.update(by=-1.0)
        if kind in ("dot", "vector_add"):
            names.update(w=values(n))
        if kind == "vector_add":
            names.update(c=array.array("d", bytes(8 * n)))
    elif kind == "callback_iterate":
        names.update(n=n)
    elif kind == "callback_once":
        names.update(x=41)
    elif kind == "block_make":
        names.update(seed=5)
    elif kind == "alloc_free":
        names.update(n=n)
    elif kind == "alloc_aligned_free":
        names.update(n=n, size=4096)
    elif kind in ("target", "dispatch_dict", "dispatch_ifelse"):
        names.update(k=0, x=1)
    if bench.endswith("_list"):
        names.update(l=list(names["v"]))
    if bench.endswith("_numpy"):
        np = numpy()
        names.update((name, np.array(names[name])) for name in "vwc" if name in names)
    return names


def numpy():
    try:
        import numpy as np
    except ImportError:
        raise Skip("it needs NumPy: package python3-numpy") from None
    return np


def expected(bench, n, names):
    """What the result has to be; a function of names as they are before the call."""
    kind = base(bench)
    v = names.get("v")
    if bench in SCALARS:
        return SCALARS[bench][1]
    simple = {
        "noop": lambda: None,
        "str_length": lambda: n,
        "str_length_utf8": lambda: 8,
        "str_identity": lambda: names["u"],
        "str_concat": lambda: names["u"] * 2,
        "bytes_count_nul": lambda: n // 4,
        "array_sum": lambda: sum(v),
        "array_scale": lambda: [-x for x in v],
        "array_sum_strided": lambda: sum(v[::4]),
        "array_fill_i32": lambda: [7] * n,
        "point_add": lambda: (11.5, 22.5),
        "point_norm2": lambda: 25.0,
        "record_sum": lambda: 62.0,
        "block_make": lambda: 20,
        "callback_once": lambda: 42,
        "callback_iterate": lambda: 10 if bench.endswith("_stop") else n,
        "callback_transform": lambda: [-x for x in v],
        "dot": lambda: sum(x * x for x in v),
        "norm": lambda: math.sqrt(sum(x * x for x in v)),
        "pairs": lambda: sum(abs(v[i] - v[j]) for i in range(n) for j in range(i)),
        "vector_add": lambda: 2 * v[-1],
        "matmul": lambda: sum(v[i] * v[i * n] for i in range(n)),
    }
    return simple[kind]()


# Where the result is in the inputs: an expression for it.
IN_PLACE = {
    "array_scale": "list(v)",
    "array_fill_i32": "list(v)",
    "callback_transform": "list(v)",
    "vector_add": "c[-1]",
    "matmul": "c[0]",
}


def evaluate(text, result, names):
    """What the call gives; names are changed by it."""
    if result is None:
        return eval(text, names)  # pylint: disable=eval-used
    exec(text, names)  # pylint: disable=exec-used
    return eval(result, names)  # pylint: disable=eval-used


def require(bench, got, wanted):
    if got != wanted:
        raise Failed("%s gives %.60r instead of %.60r" % (bench, got, wanted))


def check_memory(text, result, names):
    scope = dict(names)
    address = evaluate(text, result, scope)
    if not address or ("size" in names and address % names["n"] != 0):
        raise Failed("no memory as it was asked for")


def check_targets(bench, text, names):
    scope = dict(names)
    for _ in range(TARGETS):
        k = scope["k"]
        exec(text, scope)  # pylint: disable=exec-used
        require(bench, scope["r"], k + 1)


def checker(bench, n, text, result, names):
    """The check of a call, whose names may refer to what it changes."""
    kind = base(bench)

    def check():
        if kind in ("alloc_free", "alloc_aligned_free"):
            return check_memory(text, result, names)
        if "k" in names:
            return check_targets(bench, text, names)
        wanted = expected(bench, n, names)
        scope = dict(names)
        got = evaluate(text, result, scope)
        if kind in IN_PLACE:
            got = eval(IN_PLACE[kind], scope)  # pylint: disable=eval-used
        if isinstance(wanted, float):
            same = math.isclose(got, wanted, rel_tol=1e-12)  # sums may be in another order
            return None if same else require(bench, got, wanted)
        return require(bench, got, wanted)

    return check


def ifelse():
    """A chain of comparisons, each of which leads to a call."""
    lines = []
    for number in range(TARGETS):
        lines.append("%s k == %d:" % ("elif" if lines else "if", number))
        lines.append("    r = t%02d(x)" % number)
    return "\n".join(lines + [STEP])


def make(binding, bench, n):
    given = inputs(bench, n)
    if bench == "dispatch_ifelse":
        text, result = ifelse(), "r"
        given.update(("t%02d" % number, binding.target_function(number)) for number in range(TARGETS))
    elif bench == "dispatch_dict":
        text, result = "r = f[k](x)\n" + STEP, "r"
        given.update(f={number: binding.target_function(number) for number in range(TARGETS)})
    else:
        text, result = binding.TEXTS[bench]
        given.update(binding.names(bench, n, given))
    size = {"array_sum": 8, "array_scale": 8, "vector_add": 24}.get(base(bench))
    return Call(text, given, checker(bench, n, text, result, given), bytes=size * n if size else None,
                keep=binding)


def cases(binding):
    """All of them, for the harness. binding() gives the binding, which may need what is not there."""
    def maker(bench, args):
        return lambda: make(binding(), bench, args[0] if args else 0)

    return [Case(bench, args, maker(bench, args)) for bench, args in LIST]
