# SPDX-License-Identifier: MIT
"""`side_X.py check < vectors.txt`: makes each call of the lines (../README.md) and prints it with the result that it got;
`side_X.py verify` compares that with the result that vectors.txt has."""
import array
import ctypes  # for the memory that is allocated
import struct
import sys


def bits(value):
    return "nan" if value != value else struct.pack(">d", value).hex()


def bits32(value):
    return "nan" if value != value else struct.pack(">f", value).hex()


def boolean(value):
    return "true" if value else "false"


def listed(values, say):
    return ",".join(say(value) for value in values) or "-"


def doubles(text):
    return array.array("d", [float(word) for word in text.split(",")] if text != "-" else [])


def truth(text):
    return {"true": True, "false": False}[text]


def data(text):
    return bytes.fromhex(text) if text != "-" else b""


def hexadecimal(value):
    return value.hex() or "-"


class Checker:
    """The functions whose results, or arguments, need a hand; `simple` has the rest."""

    def __init__(self, lib):
        self.lib = lib

    def noop(self):
        self.lib.noop()
        return "done"

    def add_i32_checked(self, a, b):
        fits, total = self.lib.add_i32_checked(int(a), int(b))
        return "%s %d" % (boolean(fits), total)

    def add_i64_checked(self, a, b):
        fits, total = self.lib.add_i64_checked(int(a), int(b))
        return "%s %d" % (boolean(fits), total)

    def array_scale(self, values, by):
        changed = doubles(values)
        self.lib.array_scale(changed, float(by))
        return listed(changed, bits)

    def array_fill_i32(self, n, value):
        changed = array.array("i", bytes(4 * int(n)))
        self.lib.array_fill_i32(changed, int(value))
        return listed(changed, str)

    def point_add(self, *numbers):
        return " ".join(bits(value) for value in self.lib.point_add(*[float(number) for number in numbers]))

    def record_sum(self, number, values, counts, name):
        return bits(self.lib.record_sum(int(number), tuple(doubles(values)), tuple(int(count) for count in counts.split(",")),
                                        data(name)))

    def block_make(self, seed):
        return listed(self.lib.block_make(int(seed)), str)

    def callback_once(self, x):
        return str(self.lib.callback_once(lambda y: y + 1, int(x)))

    def callback_iterate(self, n, stop):
        seen = []

        def called(i):
            seen.append(i)
            return i + 1 != int(stop)

        calls = self.lib.callback_iterate(called, int(n))
        return "%d %d" % (calls, sum(seen))

    def callback_transform(self, values):
        changed = doubles(values)
        self.lib.callback_transform(changed, lambda x: -x)
        return listed(changed, bits)

    def memory(self, address, size, alignment):
        if not address:
            return "null"
        ctypes.memset(address, 0xA5, size)
        fine = ctypes.string_at(address + size - 1, 1) == b"\xa5" and address % alignment == 0
        self.lib.free(address)
        return "ok" if fine else "wrong"

    def alloc(self, size):
        return self.memory(self.lib.alloc(int(size)), int(size), 1)

    def alloc_aligned(self, alignment, size):
        return self.memory(self.lib.alloc_aligned(int(alignment), int(size)), int(size), int(alignment) or 1)

    def vector_add(self, a, b):
        total = array.array("d", bytes(8 * len(doubles(a))))
        self.lib.vector_add(doubles(a), doubles(b), total)
        return listed(total, bits)

    def matmul(self, n, a, b):
        product = array.array("d", bytes(8 * int(n) ** 2))
        self.lib.matmul(doubles(a), doubles(b), product, int(n))
        return listed(product, bits)

    def targets(self, x):
        return listed(range(100), lambda number: str(getattr(self.lib, "target_%02d" % number)(int(x))))


# function: (what its arguments are, what its result is)
SIMPLE = {
    "return_int": ("", str),
    "return_int64": ("", str),
    "return_bool": ("", boolean),
    "return_double": ("", bits),
    "add_i32": ("ii", str),
    "add_i64": ("ii", str),
    "add_u32": ("ii", str),
    "add_u64": ("ii", str),
    "add_f32": ("ff", bits32),
    "add_f64": ("ff", bits),
    "mul_f64": ("ff", bits),
    "mul_i32": ("ii", str),
    "mul_i64": ("ii", str),
    "and_": ("bb", boolean),
    "not_": ("b", boolean),
    "xor_u64": ("ii", str),
    "str_length": ("s", str),
    "str_length_utf8": ("s", str),
    "str_identity": ("s", hexadecimal),
    "str_concat": ("ss", hexadecimal),
    "bytes_count_nul": ("s", str),
    "array_sum": ("v", bits),
    "array_sum_strided": ("vii", bits),
    "point_norm2": ("ff", bits),
    "dot": ("vv", bits),
    "norm": ("v", bits),
    "pairs": ("v", bits),
    "args_8i": ("i" * 8, str),
    "args_12mixed": ("if" * 6, bits),
    "target": ("ii", str),
}
KINDS = {"i": int, "f": float, "b": truth, "s": data, "v": doubles}


def answer(checker, name, words):
    """The result as text; None: there is no such function."""
    simple = SIMPLE.get(name) or SIMPLE.get(name + "_")
    if simple is not None:
        function = getattr(checker.lib, name if name in SIMPLE else name + "_")
        return simple[1](function(*[KINDS[kind](word) for kind, word in zip(simple[0], words)]))
    function = Checker.__dict__.get(name)
    return function(checker, *words) if function is not None else None


def check(binding):
    """The exit code."""
    checker = Checker(binding)
    code = 0
    for line in sys.stdin:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        call = line.partition(" = ")[0]
        name, *words = call.split()
        got = answer(checker, name, words)
        if got is None:
            print("%s: unknown" % name, file=sys.stderr)
            code = 1
        else:
            print("%s = %s" % (call, got))
    return code


def verify(binding, path):
    """The exit code: whether all results are those of the file."""
    checker = Checker(binding)
    try:
        with open(path, encoding="ascii") as file:
            lines = file.read().split("\n")
    except OSError as error:
        print("%s: %s" % (path, error.strerror), file=sys.stderr)
        return 2
    for line in lines:
        if not line or line.startswith("#"):
            continue
        call = line.partition(" = ")[0]
        name, *words = call.split()
        got = answer(checker, name, words)
        if got is None:
            print("%s: unknown" % name, file=sys.stderr)
            return 1
        if line != "%s = %s" % (call, got):
            print("it gives %s = %s, where vectors.txt has %s" % (call, got, line), file=sys.stderr)
            return 1
    return 0
